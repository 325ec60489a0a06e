import Glibc
import SystemPackage

/// A name in a directory, byte for byte.
struct DirectoryEntry {
    let name: FilePath
    let isDirectory: Bool
}

extension Directory {
    /// All that is in the directory but `.` and `..`, in no order.
    func entries() throws(StoreError) -> [DirectoryEntry] {
        // An own descriptor: reading moves the offset, and closedir(3) closes.
        let copy = try checked("open", path) { openat(descriptor, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
        guard let stream = fdopendir(copy) else {
            let code = errno
            close(copy)
            throw .system(action: "read", path: path, code: code)
        }
        defer { closedir(stream) }
        var entries: [DirectoryEntry] = []
        while true {
            errno = 0
            guard let entry = readdir(stream) else { break }
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { FilePath(platformString: $0) }
            }
            if name == "." || name == ".." { continue }
            entries.append(DirectoryEntry(name: name, isDirectory: try isDirectory(name, type: entry.pointee.d_type)))
        }
        guard errno == 0 else { throw .system(action: "read", path: path, code: errno) }
        return entries
    }

    /// The names that are UTF-8, sorted by bytes.
    func names() throws(StoreError) -> [String] {
        try entries().compactMap { String(validating: $0.name) }.sorted()
    }

    /// Some file systems do not tell the type with the name.
    private func isDirectory(_ name: FilePath, type: UInt8) throws(StoreError) -> Bool {
        if Int(type) != Int(DT_UNKNOWN) { return Int(type) == Int(DT_DIR) }
        return try status(of: name)?.isDirectory ?? false
    }
}

extension FilePath {
    /// The names in a directory, sorted; none where the directory is not there.
    func namesInside() throws(StoreError) -> [String] {
        do throws(StoreError) {
            let directory = try Directory(opening: self)
            return try directory.names()
        } catch .system(_, _, ENOENT) {
            return []
        }
    }
}
