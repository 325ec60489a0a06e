/// Which names a tree may hold. Names are bytes: nothing is decoded that git would not decode.
enum NameRules {
    /// What is wrong with the name of an entry; nil where it is fine.
    static func problem(_ name: UnsafeRawBufferPointer, inRoot: Bool) -> (rule: TreeRule, problem: String)? {
        let visible = HFSName.visible(name)
        if isNotOneComponent(name) || isDots(name) || isDots(visible) {
            return (.component, "is not the name of one file")
        }
        if Spelling.git.matches(name) || Spelling.git.matches(visible) || isShortGit(name) {
            return (.reservedName, "is a spelling of “.git”")
        }
        if inRoot, Spelling.pmo.matches(name) || Spelling.pmo.matches(visible) {
            return (.reservedName, "is where a release keeps its own records")
        }
        if name.contains(UInt8(ascii: "\\")) { return (.foreignName, "has a backslash in its name") }
        if isDrive(name) { return (.foreignName, "begins with a drive letter") }
        return nil
    }

    private static func isNotOneComponent(_ name: UnsafeRawBufferPointer) -> Bool {
        name.isEmpty || name.contains(UInt8(ascii: "/"))
    }

    private static func isDots(_ name: some Collection<UInt8>) -> Bool {
        name.elementsEqual(".".utf8) || name.elementsEqual("..".utf8)
    }

    /// `git~1`, the short name that NTFS gives to `.git`, and its neighbours for good measure.
    private static func isShortGit(_ name: UnsafeRawBufferPointer) -> Bool {
        guard name.count >= 5, (UInt8(ascii: "1")...UInt8(ascii: "9")).contains(name[4]) else { return false }
        return Spelling(word: Array("git~".utf8) + [name[4]]).matches(name)
    }

    /// `C:` or `C:x`. Not `B::x`, the manual page of a Perl module.
    private static func isDrive(_ name: UnsafeRawBufferPointer) -> Bool {
        guard name.count >= 2, name[1] == UInt8(ascii: ":") else { return false }
        let letter = name[0] | 0x20
        guard (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(letter) else { return false }
        return name.count == 2 || name[2] != UInt8(ascii: ":")
    }
}

/// A name as Windows spells it: in any case, with dots and spaces behind it, or with a stream's name after a colon
/// (what `is_ntfs_dotgit` in git's `path.c` looks for).
struct Spelling {
    static let git = Spelling(word: Array(".git".utf8))
    static let pmo = Spelling(word: Array(".pmo".utf8))

    /// In lower case.
    let word: [UInt8]

    func matches(_ name: some Collection<UInt8>) -> Bool {
        guard name.count >= word.count else { return false }
        guard name.prefix(word.count).elementsEqual(word, by: { fold($0) == $1 }) else { return false }
        for byte in name.dropFirst(word.count) {
            if byte == UInt8(ascii: ":") || byte == UInt8(ascii: "\\") { return true }
            if byte != UInt8(ascii: "."), byte != UInt8(ascii: " ") { return false }
        }
        return true
    }

    private func fold(_ byte: UInt8) -> UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
    }
}

/// Names as HFS+ compares them: without the code points that it ignores (what `is_hfs_dotgit` in git's `utf8.c`
/// looks for).
enum HFSName {
    /// The name without ignored code points; empty where it has none, since the name itself is checked anyway.
    static func visible(_ name: UnsafeRawBufferPointer) -> [UInt8] {
        guard name.contains(where: { $0 == 0xe2 || $0 == 0xef }) else { return [] }
        var visible: [UInt8] = []
        var place = 0
        while place < name.count {
            if isIgnored(name[place...].prefix(3)) {
                place += 3
            } else {
                visible.append(name[place])
                place += 1
            }
        }
        return visible.count == name.count ? [] : visible
    }

    /// U+200C–200F, U+202A–202E, U+206A–206F and U+FEFF in UTF-8.
    private static func isIgnored(_ bytes: Slice<UnsafeRawBufferPointer>) -> Bool {
        guard bytes.count == 3 else { return false }
        let first = bytes.startIndex
        switch (bytes[first], bytes[first + 1], bytes[first + 2]) {
        case (0xe2, 0x80, 0x8c...0x8f), (0xe2, 0x80, 0xaa...0xae), (0xe2, 0x81, 0xaa...0xaf): return true
        case (0xef, 0xbb, 0xbf): return true
        default: return false
        }
    }
}
