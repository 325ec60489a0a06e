import CLinux
import Glibc
import SystemPackage

extension Directory {
    /// Makes a directory of exactly that mode; false where one is there already.
    func makeDirectory(_ name: FilePath, mode: mode_t = 0o755) throws(StoreError) -> Bool {
        do throws(StoreError) {
            try checked("make", path(of: name)) { name.withPlatformString { mkdirat(descriptor, $0, mode) } }
        } catch .system(_, _, EEXIST) {
            guard try status(of: name)?.isLink == false else {
                throw .system(action: "make", path: path(of: name), code: EEXIST)
            }
            return false
        }
        let made = try Directory(opening: name, in: self)
        // The umask took its part away.
        try checked("set the mode of", made.path) { fchmod(made.descriptor, mode) }
        return true
    }

    /// Removes an entry that is no directory; false where there is none.
    @discardableResult
    func removeFile(_ name: FilePath) throws(StoreError) -> Bool {
        do throws(StoreError) {
            try checked("remove", path(of: name)) { name.withPlatformString { unlinkat(descriptor, $0, 0) } }
            return true
        } catch .system(_, _, ENOENT) {
            return false
        }
    }

    /// Gives an entry another name in the same directory, in the place of what has that name.
    func rename(_ old: FilePath, to new: FilePath) throws(StoreError) {
        try checked("rename", path(of: old)) {
            old.withPlatformString { old in
                new.withPlatformString { new in renameat(descriptor, old, descriptor, new) }
            }
        }
    }

    /// Moves an entry to another directory, in the place of what has that name there.
    func rename(_ old: FilePath, to new: FilePath, in other: borrowing Directory) throws(StoreError) {
        let target = other.descriptor
        try checked("rename", path(of: old)) {
            old.withPlatformString { old in
                new.withPlatformString { new in renameat(descriptor, old, target, new) }
            }
        }
    }

    /// rename with one of the flags of renameat2(2).
    func rename(_ old: String, to new: String, flags: UInt32) throws(StoreError) {
        try checked("rename", path(of: FilePath(old))) {
            old.withCString { old in
                new.withCString { new in renameat2(descriptor, old, descriptor, new, flags) }
            }
        }
    }

    /// Makes a link; something of that name is an error.
    func makeLink(_ name: String, to target: String) throws(StoreError) {
        try checked("link", path(of: FilePath(name))) { symlinkat(target, descriptor, name) }
    }

    /// Puts a link in the place of another in one step. What is no link is never replaced by it.
    func replaceLink(_ name: String, to target: String) throws(StoreError) {
        let temporary = TemporaryName.next(for: name)
        try makeLink(temporary, to: target)
        do throws(StoreError) {
            try rename(FilePath(temporary), to: FilePath(name))
        } catch {
            _ = unlinkat(descriptor, temporary, 0)
            throw error
        }
    }

    /// Puts a link in the place of another in one step, and keeps the other under a temporary name.
    ///
    /// - Returns: that name; nil where there was no other, or where the file system exchanges no names and it is gone.
    func exchangeLink(_ name: String, to target: String) throws(StoreError) -> String? {
        let temporary = TemporaryName.next(for: name)
        try makeLink(temporary, to: target)
        do throws(StoreError) {
            do throws(StoreError) {
                try rename(temporary, to: name, flags: RenameFlag.exchange)
                return temporary
            } catch .system(_, _, let code) where [ENOENT, EINVAL, ENOSYS].contains(code) {
                try rename(FilePath(temporary), to: FilePath(name))
                return nil
            }
        } catch {
            _ = unlinkat(descriptor, temporary, 0)
            throw error
        }
    }

    /// A link's own text; nil where there is no such entry, an error (`EINVAL`) where it is no link.
    func linkTarget(_ name: String) throws(StoreError) -> String? {
        var buffer = [CChar](repeating: 0, count: 4096)
        do throws(StoreError) {
            let length = try checked("read", path(of: FilePath(name))) {
                Int32(readlinkat(descriptor, name, &buffer, buffer.count))
            }
            return String(decoding: buffer.prefix(Int(length)).map(UInt8.init(bitPattern:)), as: UTF8.self)
        } catch .system(_, _, ENOENT) {
            return nil
        }
    }
}
