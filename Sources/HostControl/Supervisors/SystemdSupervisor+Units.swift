import Glibc
import SystemPackage

extension SystemdSupervisor {
    /// The unit's name: `pmo-<app>.<service>@<slot>.<instance>.<release>.service`, with the release whose scripts the
    /// instance's directory leads to; `pmo-<unit>.service` where it is no release's.
    public static func unitName(_ instance: SupervisedInstance) -> String {
        guard let release = release(of: instance), let parts = parts(of: instance) else {
            return "pmo-\(instance.unit).service"
        }
        return "\(parts.prefix)@\(parts.place).\(release).service"
    }

    /// `pmo-shop.api` and `2.0` of `shop.api.2.0`.
    private static func parts(of instance: SupervisedInstance) -> (prefix: String, place: String)? {
        let words = instance.unit.split(separator: ".")
        guard words.count == 4 else { return nil }
        return ("pmo-\(words[0]).\(words[1])", "\(words[2]).\(words[3])")
    }

    /// The release that the instance's `run` is of: the link's `…/releases/<release>/.pmo/units/…`.
    private static func release(of instance: SupervisedInstance) -> String? {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = buffer.withUnsafeMutableBytes { bytes in
            bytes.baseAddress.map { readlink(instance.directory.appending("run").string, $0, bytes.count) } ?? -1
        }
        guard count > 0 else { return nil }
        let words = String(decoding: buffer[..<count], as: UTF8.self).split(separator: "/")
        guard let place = words.lastIndex(of: ".pmo"), place > 1, words[place - 2] == "releases" else { return nil }
        return String(words[place - 1])
    }

    /// Removes the unit files that an instance has had under other releases; they are stopped and not enabled.
    ///
    /// - Returns: whether there were any.
    @discardableResult
    func removeUnits(of instance: SupervisedInstance, butOf name: String?) -> Bool {
        var names = ["pmo-\(instance.unit).service"]
        if let parts = Self.parts(of: instance) {
            names += directoryNames(directory).filter {
                $0.hasPrefix("\(parts.prefix)@\(parts.place).") && $0.hasSuffix(".service")
            }
        }
        var removed = false
        for old in names where old != name {
            removed = unlink(directory.appending(old).string) == 0 || removed
        }
        return removed
    }
}
