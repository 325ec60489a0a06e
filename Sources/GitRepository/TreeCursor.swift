import Glibc

/// What an entry of a tree is, by its mode. Permissions other than the owner's execute bit say nothing (A08).
enum EntryKind {
    case file, executable, link, directory, submodule
    /// A device, a pipe, a socket, or no kind at all.
    case other

    init(mode: UInt32) {
        switch mode & 0o170000 {
        case 0o100000: self = mode & 0o100 == 0 ? .file : .executable
        case 0o120000: self = .link
        case 0o040000: self = .directory
        case 0o160000: self = .submodule
        default: self = .other
        }
    }
}

/// An entry of a tree, lent: the name points into the tree's own bytes and a NUL stands behind it.
struct TreeEntry {
    let mode: UInt32
    let name: UnsafeRawBufferPointer
    let id: ObjectID

    var kind: EntryKind { EntryKind(mode: mode) }
    /// The name for a system call. It holds no NUL, since it ends at the first.
    var cName: UnsafePointer<CChar>? { name.baseAddress?.assumingMemoryBound(to: CChar.self) }
}

/// Reads the entries of a raw tree one by one, without a copy: `<octal mode> <name>\0<20 bytes>` each
/// (git's `Documentation/gitformat-pack`, tree objects). It accepts any name, for the policy to judge.
struct TreeCursor {
    private var rest: UnsafeRawBufferPointer
    private let tree: ObjectID

    init(_ bytes: UnsafeRawBufferPointer, of tree: ObjectID) {
        rest = bytes
        self.tree = tree
    }

    /// The next entry; nil at the end.
    mutating func next() throws(GitError) -> TreeEntry? {
        guard !rest.isEmpty else { return nil }
        let mode = try takeMode()
        guard let start = rest.baseAddress, let end = memchr(start, 0, rest.count) else { throw damaged }
        let length = UnsafeRawPointer(start).distance(to: UnsafeRawPointer(end))
        guard rest.count >= length + 21 else { throw damaged }
        let name = UnsafeRawBufferPointer(rebasing: rest[..<length])
        let id = ObjectID(bytes: start + length + 1)
        rest = UnsafeRawBufferPointer(rebasing: rest[(length + 21)...])
        return TreeEntry(mode: mode, name: name, id: id)
    }

    /// 1 to 7 octal digits and a space.
    private mutating func takeMode() throws(GitError) -> UInt32 {
        var mode: UInt32 = 0
        for place in 0..<min(8, rest.count) {
            let byte = rest[place]
            if byte == UInt8(ascii: " "), place > 0 {
                rest = UnsafeRawBufferPointer(rebasing: rest[(place + 1)...])
                return mode
            }
            guard (UInt8(ascii: "0")...UInt8(ascii: "7")).contains(byte) else { throw damaged }
            mode = mode << 3 | UInt32(byte - UInt8(ascii: "0"))
        }
        throw damaged
    }

    private var damaged: GitError {
        .refused(TreeRefusal(.corrupt, [], "holds the damaged tree \(tree.text)"))
    }
}
