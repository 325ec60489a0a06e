/// A path inside a release, relative to its root: no empty, `.` or `..` component, no backslash, no control
/// character, components of at most 255 bytes and 4,096 in all, and nothing under `.pmo` or `.git`.
/// The release's root itself is `ReleasePath.root`, written `.`.
public struct ReleasePath: ValidatedText {
    /// What an error calls it.
    public static let kind = "path"
    /// The path without a leading `./` and a slash at the end.
    public let text: String

    /// The release itself, `.`.
    public static let root = ReleasePath()
    private init() { text = "." }

    /// Checks the text.
    public init(_ text: String) throws(InvalidValue) {
        var trimmed = text[...]
        if trimmed.hasPrefix("./") { trimmed = trimmed.dropFirst(2) }
        if trimmed.hasSuffix("/") { trimmed = trimmed.dropLast() }
        guard trimmed != ".", !(trimmed.isEmpty && text == "./") else {
            self = .root
            return
        }
        let rule = "must be a path inside the release, without “..” or a leading “/”"
        guard (1...4096).contains(trimmed.utf8.count) else { throw InvalidValue(Self.kind, text, rule) }
        for part in trimmed.split(separator: "/", omittingEmptySubsequences: false) {
            guard (1...255).contains(part.utf8.count), part != ".", part != "..",
                !part.utf8.contains(where: { $0 < 0x20 || $0 == 0x7f || $0 == UInt8(ascii: "\\") })
            else { throw InvalidValue(Self.kind, text, rule) }
            guard part.lowercased() != ".git", part.lowercased() != ".pmo" else {
                throw InvalidValue(Self.kind, text, "must not lead into \(part)")
            }
        }
        self.text = String(trimmed)
    }

    /// Byte for byte, as the kernel does: two ways to write “é” are two names.
    public static func == (left: Self, right: Self) -> Bool { left.text.utf8.elementsEqual(right.text.utf8) }
    /// By the bytes.
    public func hash(into hasher: inout Hasher) { for byte in text.utf8 { hasher.combine(byte) } }

    /// The parts between the slashes; none for the root.
    public var components: [String] { self == .root ? [] : text.split(separator: "/").map(String.init) }

    /// What is left of the path below another; nil where it does not lie there. The same path is below itself, as the
    /// root.
    public func below(_ other: ReleasePath) -> ReleasePath? {
        let (own, base) = (components, other.components)
        guard own.count >= base.count, zip(own, base).allSatisfy({ $0.utf8.elementsEqual($1.utf8) }) else { return nil }
        return own.count == base.count ? .root : try? ReleasePath(own[base.count...].joined(separator: "/"))
    }

    /// Whether one of the two lies in the other.
    public func overlaps(_ other: ReleasePath) -> Bool { below(other) != nil || other.below(self) != nil }

    /// The path below this one.
    ///
    /// - Throws: what `init` would.
    public func appending(_ more: String) throws(InvalidValue) -> ReleasePath {
        try ReleasePath(self == .root ? more : "\(text)/\(more)")
    }
}
