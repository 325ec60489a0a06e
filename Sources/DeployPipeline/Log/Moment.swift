import Glibc
import ReleaseModel

/// Times as people read them.
public enum Moment {
    /// `2026-11-23 10:31` in local time.
    public static func shown(_ seconds: Double) -> String {
        var time = time_t(seconds)
        var parts = tm()
        localtime_r(&time, &parts)
        func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return
            "\(parts.tm_year + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday)) \(two(parts.tm_hour)):\(two(parts.tm_min))"
    }

    /// `12 s`, `3 min`, `2 h`, `5 d`.
    public static func length(_ seconds: Double) -> String {
        switch seconds {
        case ..<60: "\(max(0, seconds).shown(decimals: seconds < 10 ? 1 : 0)) s"
        case ..<3600: "\(Int(seconds / 60)) min"
        case ..<172_800: "\(Int(seconds / 3600)) h"
        default: "\(Int(seconds / 86400)) d"
        }
    }
}
