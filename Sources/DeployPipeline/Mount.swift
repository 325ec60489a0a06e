import SystemPackage

/// A mount that a process sees (proc_pid_mountinfo(5)): a bind mount shows a directory by another path.
struct Mount {
    let device: String
    /// What of the file system is mounted.
    let root: String
    let point: FilePath

    /// The last comes first: it lies above the others.
    ///
    /// - Parameter pid: a process, or `self`; one that cannot be looked at has none.
    static func all(of pid: String) -> [Mount] {
        let text = ReleaseFile.text(FilePath("/proc/\(pid)/mountinfo")) ?? ""
        return text.split(separator: "\n").reversed().compactMap { line in
            let fields = line.split(separator: " ")
            guard fields.count > 4 else { return nil }
            return Mount(device: String(fields[2]), root: plain(fields[3]), point: FilePath(plain(fields[4])))
        }
    }

    /// Without the octal escapes for blanks and backslashes.
    private static func plain(_ field: Substring) -> String {
        guard field.contains("\\") else { return String(field) }
        var bytes: [UInt8] = []
        var rest = Array(field.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "\\"), let code = UInt8(String(decoding: rest.prefix(3), as: UTF8.self), radix: 8) {
                bytes.append(code)
                rest = rest.dropFirst(3)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
