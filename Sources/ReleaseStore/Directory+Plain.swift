import CLinux
import Glibc
import SystemPackage

extension Directory {
    /// Makes it as an export makes one: with mode 0755, of this process's user, without what a build has hung on it. An
    /// access control list would be handed on to all that is made in it (acl(5)).
    func makePlain() throws(StoreError) {
        for name in try attributes() where !name.hasPrefix("security.") {
            try checked("remove \(name) of", path) { fremovexattr(descriptor, name) }
        }
        let status = try status()
        if status.st_uid != geteuid() {
            try checked("take over", path) { fchown(descriptor, geteuid(), getegid()) }
        }
        if status.st_mode & 0o7777 != 0o755 {
            try checked("set the mode of", path) { fchmod(descriptor, 0o755) }
        }
    }

    /// The names of its extended attributes (xattr(7)); none where the file system has none.
    private func attributes() throws(StoreError) -> [String] {
        // The longest list that Linux has (XATTR_LIST_MAX) is asked for only where there is one.
        let size = flistxattr(descriptor, nil, 0)
        guard size > 0 else { return [] }
        var bytes = [CChar](repeating: 0, count: 1 << 16)
        let length = try checked("list the attributes of", path) { Int32(flistxattr(descriptor, &bytes, bytes.count)) }
        return bytes[..<Int(length)].split(separator: 0).map {
            String(decoding: $0.map(UInt8.init(bitPattern:)), as: UTF8.self)
        }
    }
}
