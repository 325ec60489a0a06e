/// Which names a tree may have; pure. Each refusal is the end of a sentence.
enum TreeName {
    /// - Returns: why the name is refused; nil where it is fine.
    static func problem(_ name: [UInt8], atRoot: Bool) -> String? {
        if name.isEmpty { return "an entry has no name" }
        if name == dot || name == dotDot { return "an entry is named “\(String(decoding: name, as: UTF8.self))”" }
        if name.contains(UInt8(ascii: "/")) { return "a name holds a slash" }
        if name.contains(UInt8(ascii: "\\")) { return "a name holds a backslash" }
        if name.count >= 2, name[1] == UInt8(ascii: ":"), isLetter(name[0]) { return "a name begins like a drive letter" }
        if isGit(name) { return "a name spells .git" }
        if atRoot, folded(name) == Array(".pmo".utf8) { return ".pmo is the product's own directory" }
        return nil
    }

    private static let dot = Array(".".utf8)
    private static let dotDot = Array("..".utf8)

    /// `.git` as any file system of a developer may understand it: case folded; NTFS's short name `git~1`, trailing
    /// dots and spaces, and streams (`.git::$INDEX_ALLOCATION`); HFS+'s ignored code points
    /// (git's path.c `is_ntfs_dotgit`, utf8.c `is_hfs_dotgit`).
    static func isGit(_ name: [UInt8]) -> Bool {
        var base = folded(withoutIgnored(name))
        if let colon = base.firstIndex(of: UInt8(ascii: ":")) { base = Array(base[..<colon]) }
        while let last = base.last, last == UInt8(ascii: ".") || last == UInt8(ascii: " ") { base.removeLast() }
        return base == Array(".git".utf8) || base == Array("git~1".utf8)
    }

    private static func folded(_ name: [UInt8]) -> [UInt8] {
        name.map { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) ? $0 | 0x20 : $0 }
    }

    private static func withoutIgnored(_ name: [UInt8]) -> [UInt8] {
        guard name.contains(where: { $0 >= 0x80 }) else { return name }
        // A name that is not UTF-8 cannot be folded by a file system that folds Unicode.
        guard let text = String(validating: name, as: UTF8.self) else { return name }
        return Array(String(String.UnicodeScalarView(text.unicodeScalars.filter { !isIgnored($0.value) })).utf8)
    }

    private static func isIgnored(_ scalar: UInt32) -> Bool {
        switch scalar {
        case 0x200c...0x200f, 0x202a...0x202e, 0x206a...0x206f, 0xfeff: true
        default: false
        }
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }

    /// Whether a link's target leaves the tree when it is followed from a directory some levels below the root,
    /// step by step, without looking at the disk.
    static func escapes(target: [UInt8], depth: Int) -> Bool {
        if target.isEmpty || target.first == UInt8(ascii: "/") || target.contains(0) { return true }
        var level = depth
        for part in target.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: true) {
            if part.elementsEqual(dotDot) {
                level -= 1
                if level < 0 { return true }
            } else if !part.elementsEqual(dot) {
                level += 1
            }
        }
        return false
    }
}
