import Glibc
public import SystemPackage

/// A name in a directory, byte for byte.
struct DirectoryEntry {
    let name: FilePath
    let isDirectory: Bool
}

extension Directory {
    /// O_NOATIME (open(2)), which stands behind _GNU_SOURCE; for the owner of what is opened, and for root.
    private static let withoutAccessTime: Int32 = 0o1000000

    /// All that is in the directory but `.` and `..`, in no order.
    func entries() throws(StoreError) -> [DirectoryEntry] {
        var entries: [DirectoryEntry] = []
        try forEachEntry { (name, isDirectory) throws(StoreError) in
            entries.append(DirectoryEntry(name: FilePath(platformString: name), isDirectory: isDirectory))
        }
        return entries
    }

    /// Lends each name that is in the directory but `.` and `..`, in no order.
    func forEachEntry(
        _ body: (_ name: UnsafePointer<CChar>, _ isDirectory: Bool) throws(StoreError) -> Void
    ) throws(StoreError) {
        // An own descriptor: reading moves the offset, and closedir(3) closes.
        let copy = try checked("open", path) {
            let flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC
            // Reading would change its time of access, and so copy its inode where that is shared with a snapshot's.
            let quiet = openat(descriptor, ".", flags | Self.withoutAccessTime)
            return quiet < 0 && errno == EPERM ? openat(descriptor, ".", flags) : quiet
        }
        guard let stream = fdopendir(copy) else {
            let code = errno
            close(copy)
            throw .system(action: "read", path: path, code: code)
        }
        defer { closedir(stream) }
        while true {
            errno = 0
            guard let entry = readdir(stream) else { break }
            let type = entry.pointee.d_type
            let offset = MemoryLayout<dirent>.offset(of: \dirent.d_name) ?? 0
            let name = UnsafeRawPointer(entry).advanced(by: offset).assumingMemoryBound(to: CChar.self)
            if strcmp(name, ".") == 0 || strcmp(name, "..") == 0 { continue }
            try body(name, try isDirectory(name, type: type))
        }
        guard errno == 0 else { throw .system(action: "read", path: path, code: errno) }
    }

    /// The names that are UTF-8 and start with one of the prefixes, sorted by bytes.
    func names(startingWith prefixes: [String] = [""]) throws(StoreError) -> [String] {
        var names: [String] = []
        try forEachEntry { (name, _) throws(StoreError) in
            // Beside a thousand releases the others are not worth a String.
            guard prefixes.contains(where: { strncmp(name, $0, $0.utf8.count) == 0 }),
                let text = String(validatingCString: name)
            else { return }
            names.append(text)
        }
        return names.sorted()
    }

    /// Some file systems do not tell the type with the name.
    private func isDirectory(_ name: UnsafePointer<CChar>, type: UInt8) throws(StoreError) -> Bool {
        if Int(type) != Int(DT_UNKNOWN) { return Int(type) == Int(DT_DIR) }
        return try status(of: FilePath(platformString: name))?.isDirectory ?? false
    }
}

extension FilePath {
    /// The names in a directory that start with one of the prefixes, sorted; none where the directory is not there.
    public func namesInside(startingWith prefixes: String...) throws(StoreError) -> [String] {
        do throws(StoreError) {
            let directory = try Directory(opening: self)
            return try directory.names(startingWith: prefixes.isEmpty ? [""] : prefixes)
        } catch .system(_, _, ENOENT) {
            return []
        }
    }
}
