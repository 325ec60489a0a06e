/// Which targets a symlink of a tree may have (A04).
enum LinkRules {
    /// The longest target that Linux takes: PATH_MAX without its NUL.
    static let longest = 4095

    /// What is wrong with the target of a symlink; nil where it is fine.
    ///
    /// `..` may only stand at the front. There it climbs real directories, since every directory of the tree is one, and
    /// counting them is exact. Behind a name it would climb from wherever a link of that name leads, so that two links
    /// that each stay in the tree could lead out of it together.
    ///
    /// - Parameter depth: how many directories the symlink lies below the root.
    static func problem(_ target: [UInt8], depth: Int) -> String? {
        guard !target.isEmpty, target.count <= longest, !target.contains(0) else {
            return "is a symlink without a usable target"
        }
        let shown = "is a symlink to \(target.quoted), which"
        guard target[0] != UInt8(ascii: "/") else { return "\(shown) is absolute" }
        var climbed = 0
        var named = false
        for part in target.split(separator: UInt8(ascii: "/")) {
            if part.elementsEqual("..".utf8) {
                guard !named else { return "\(shown) has “..” behind a name" }
                climbed += 1
            } else if !part.elementsEqual(".".utf8) {
                named = true
                if Spelling.pmo.matches(part) { return "\(shown) leads into the release's own records" }
            }
        }
        return climbed > depth ? "\(shown) leaves the tree" : nil
    }
}
