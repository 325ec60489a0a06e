import Glibc
public import ReleaseModel
import ReleaseStore
import SystemPackage

/// Removes releases past `keep`: never one that a link, a slot or a process uses, and releases that served count
/// alone, so that failed deploys cannot push out the last good one. The caller holds the app's lock.
public struct Prune: Sendable {
    let host: AppHost

    /// Pruning in an app.
    public init(_ host: AppHost) { self.host = host }

    /// What `run` would remove.
    public func candidates(keep: Int) throws -> [ReleaseID] {
        let releases = try host.store.releases()
        let number = Dictionary(
            uniqueKeysWithValues: releases.map { ($0, (try? host.store.information($0).deploy) ?? 0) })
        let newestFirst = releases.sorted { (number[$0] ?? 0) > (number[$1] ?? 0) }
        var inUse = Set(host.slots.occupied().map(\.2))
        for link in [try host.store.current(), (try? host.store.previous()).flatMap { $0 }] {
            if let link { inUse.insert(link) }
        }
        let good = Set(releases.filter { host.store.served($0) && host.store.bad($0) == nil })
        let unneeded = ReleaseStore.pruneCandidates(among: newestFirst, keep: keep, good: good, inUse: inUse)
        let roots = usedRoots()
        return unneeded.filter { !roots.contains(host.layout.release($0).root.string) }
    }

    /// Removes them.
    ///
    /// - Returns: the removed ones.
    public func run(keep: Int) throws -> [ReleaseID] {
        let unneeded = try candidates(keep: keep)
        for release in unneeded { try host.store.remove(release) }
        return unneeded
    }

    /// The releases in which some process has its working directory or executable.
    private func usedRoots() -> Set<String> {
        let prefix = host.layout.releases.string + "/"
        var roots: Set<String> = []
        guard let processes = opendir("/proc") else { return roots }
        defer { closedir(processes) }
        while let entry = readdir(processes) {
            let pid = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            guard Int(pid) != nil else { continue }
            for link in ["cwd", "exe"] {
                guard let target = Self.target("/proc/\(pid)/\(link)"), target.hasPrefix(prefix) else { continue }
                roots.insert(prefix + target.dropFirst(prefix.count).prefix { $0 != "/" })
            }
        }
        return roots
    }

    private static func target(_ link: String) -> String? {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = buffer.withUnsafeMutableBytes { bytes in
            bytes.baseAddress.map { readlink(link, $0, bytes.count) } ?? -1
        }
        return count > 0 ? String(decoding: buffer[..<count], as: UTF8.self) : nil
    }
}
