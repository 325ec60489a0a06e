import FailPoints
import Glibc

/// The time in seconds since 1970, UTC.
public func currentTime() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Double(time.tv_sec + FailPoints.clockShift) + Double(time.tv_nsec) / 1e9
}
