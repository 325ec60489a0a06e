public import ReleaseModel
import SystemPackage

/// What is known of a release beyond what it was built from: small files in its `.pmo`.
extension ReleaseStore {
    /// Notes that the release was live and served.
    public func markServed(_ id: ReleaseID) throws(StoreError) {
        guard !served(id) else { return }
        try mark(id, "served", "\(currentTime())")
    }

    /// Whether the release was ever live.
    public func served(_ id: ReleaseID) -> Bool { app.release(id).served.isRegularFile }

    /// Notes that nobody should switch to the release without being told, and why.
    public func markBad(_ id: ReleaseID, reason: String) throws(StoreError) { try mark(id, "bad", reason) }

    /// Takes that back: somebody chose the release nevertheless, and it serves.
    public func unmarkBad(_ id: ReleaseID) throws(StoreError) {
        try require(id)
        try DurableFile.remove(app.release(id).bad)
    }

    /// Why the release is bad; nil where it is not known to be.
    public func bad(_ id: ReleaseID) -> String? {
        let path = app.release(id).bad
        guard path.isRegularFile else { return nil }
        let bytes = (try? DurableFile.read(path)) ?? []
        return String(decoding: bytes.suffix(1) == [UInt8(ascii: "\n")] ? bytes.dropLast() : bytes[...], as: UTF8.self)
    }

    /// What the processes of a service come from, hashed; nil where every deploy starts it anew.
    public func key(of service: ServiceName, in id: ReleaseID) -> String? {
        let path = app.release(id).private.pushing(ReleaseLayout.key(of: service))
        let text = (try? DurableFile.read(path, limit: 64)).flatMap { $0 }.map { String(decoding: $0, as: UTF8.self) }
        return text.map { $0.filter { !$0.isWhitespace } }.flatMap { $0.isEmpty ? nil : $0 }
    }

    /// How many bytes of the disk the release takes, measured once; 0 where it cannot be told.
    public func size(_ id: ReleaseID) -> Int {
        let release = app.release(id)
        if let bytes = try? DurableFile.read(release.size, limit: 64),
            let size = Int(String(decoding: bytes, as: UTF8.self).filter { !$0.isWhitespace })
        {
            return size
        }
        guard isComplete(id), let size = try? TreeSize.measure(release.root) else { return 0 }
        // A full disk or a lost cache costs the time to measure again, nothing else.
        try? release.write(Array("\(size)\n".utf8), to: "size")
        return size
    }

    private func mark(_ id: ReleaseID, _ name: FilePath, _ text: String) throws(StoreError) {
        try require(id)
        try app.release(id).write(Array("\(text)\n".utf8), to: name, durable: true)
    }
}
