import Glibc
import SystemPackage

/// A copy of nginx's configuration in which some files are others, for `nginx -t`. Files that name their own directory
/// are copied with the copy's name in them, the others are links, so that a copy costs little.
struct NginxStage {
    /// Larger files are no configuration, and are linked.
    private static let longest = 1 << 20
    private static let deepest = 16

    /// `/etc/nginx`.
    let prefix: FilePath
    /// The copy's own directory.
    let root: FilePath

    var configuration: FilePath { root.appending("nginx.conf") }

    /// Makes the copy.
    ///
    /// - Parameter changes: the text of each file that is another one, nil for one that is not there.
    func make(changing changes: [FilePath: String?]) throws(HostError) {
        try copy("", depth: 0)
        for (path, text) in changes {
            guard let place = place(of: path) else { continue }
            unlink(place.string)
            guard let text else { continue }
            mkdir(place.removingLastComponent().string, 0o755)
            try write(rewritten(text), to: place)
        }
    }

    /// What nginx says of the copy as if it spoke of the original.
    func original(_ text: String) -> String { text.replacing(root.string, with: prefix.string) }

    /// Removes the copy.
    func remove() { Self.remove(root) }

    /// Removes a directory of directories, files and links; no link is followed.
    static func remove(_ directory: FilePath) {
        for name in directoryNames(directory) {
            let path = directory.appending(name)
            if unlink(path.string) != 0 { remove(path) }
        }
        rmdir(directory.string)
    }

    private func place(of path: FilePath) -> FilePath? {
        var rest = path
        guard rest.removePrefix(prefix) else { return nil }
        return root.pushing(rest)
    }

    private func copy(_ below: FilePath, depth: Int) throws(HostError) {
        guard depth < Self.deepest else { return }
        let from = prefix.pushing(below)
        let to = root.pushing(below)
        guard mkdir(to.string, 0o700) == 0 || errno == EEXIST else {
            throw .file(path: to.string, message: "\(Errno(rawValue: errno))")
        }
        for name in directoryNames(from) {
            var status = stat()
            guard lstat(from.appending(name).string, &status) == 0 else { continue }
            switch status.st_mode & S_IFMT {
            case S_IFDIR: try copy(below.appending(name), depth: depth + 1)
            case S_IFREG, S_IFLNK: try copyFile(from.appending(name), to: to.appending(name))
            default: break
            }
        }
    }

    private func copyFile(_ from: FilePath, to: FilePath) throws(HostError) {
        var status = stat()
        if stat(from.string, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_size <= Self.longest,
            let text = ProcessGroup.text(from.string)
        {
            let new = rewritten(text)
            if new != text { return try write(new, to: to) }
        }
        // A link that leads nowhere stays one: nginx stumbles over it, and so must the test.
        guard symlink(from.string, to.string) == 0 else {
            throw .file(path: to.string, message: "\(Errno(rawValue: errno))")
        }
    }

    /// The text with the copy's directory in place of the original's, where that begins a path.
    private func rewritten(_ text: String) -> String {
        let old = Array((prefix.string + "/").utf8)
        let bytes = Array(text.utf8)
        var result: [UInt8] = []
        var index = 0
        while index < bytes.count {
            let begins = index == 0 || !Self.isOfPath(bytes[index - 1])
            if bytes[index] == old[0], begins, bytes[index...].starts(with: old) {
                result += Array((root.string + "/").utf8)
                index += old.count
            } else {
                result.append(bytes[index])
                index += 1
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    private static func isOfPath(_ byte: UInt8) -> Bool {
        byte >= 0x80 || "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/".utf8.contains(byte)
    }

    private func write(_ text: String, to path: FilePath) throws(HostError) {
        do {
            let file = try FileDescriptor.open(
                path, .writeOnly, options: [.create, .truncate, .closeOnExec, .noFollow], permissions: .ownerReadWrite)
            try file.closeAfter { _ = try file.writeAll(text.utf8) }
        } catch {
            throw .file(path: path.string, message: "\(error)")
        }
    }
}

/// The names in a directory but `.` and `..`, in order; none where it cannot be read.
func directoryNames(_ directory: FilePath) -> [String] {
    guard let stream = opendir(directory.string) else { return [] }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) {
            $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        if name != ".", name != ".." { names.append(name) }
    }
    return names.sorted()
}
