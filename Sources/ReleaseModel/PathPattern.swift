/// Paths inside a release: a `ReleasePath` in which one `*` a name may stand for a part of that name, as in
/// `apps/*/package.json`. It stands for no `/`, and at the beginning of a name for no dot, as in a shell.
public struct PathPattern: ValidatedText {
    /// What an error calls it.
    public static let kind = "path"
    /// The text without a leading `./` and a slash at the end.
    public var text: String { path.text }
    /// The same as a path, the stars being ordinary characters.
    public let path: ReleasePath
    /// Its names, in order; none for the root.
    public let parts: [Part]

    /// Checks the text.
    public init(_ text: String) throws(InvalidValue) {
        path = try ReleasePath(text)
        parts = path.components.map(Part.init)
        guard parts.allSatisfy({ $0.text.count { $0 == "*" } < 2 }) else {
            throw InvalidValue(
                Self.kind, text, "must have at most one “*” in a name; a directory stands for all that is in it")
        }
    }

    /// The pattern that names one path.
    public init(_ path: ReleasePath) throws(InvalidValue) { try self.init(path.text) }

    /// Whether it may name several paths.
    public var hasStar: Bool { parts.contains(where: \.hasStar) }

    /// Whether a path of one and a path of the other may be the same, or lie in each other.
    public func overlaps(_ other: PathPattern) -> Bool { zip(parts, other.parts).allSatisfy { $0.meets($1) } }

    /// Whether a path of the other may be, or lie in, a path of this one.
    public func covers(_ other: PathPattern) -> Bool { parts.count <= other.parts.count && overlaps(other) }

    /// Whether it names the path, or something that the path lies in.
    public func covers(_ path: ReleasePath) -> Bool {
        let names = path.components
        return parts.count <= names.count && zip(parts, names).allSatisfy { $0.matches($1) }
    }

    /// The same for a path that a build has made, of any bytes.
    public func covers(_ names: [ArraySlice<UInt8>]) -> Bool { parts.count <= names.count && agrees(with: names) }

    /// Whether what it names may lie in the path.
    public func lies(in names: [ArraySlice<UInt8>]) -> Bool { parts.count > names.count && agrees(with: names) }

    private func agrees(with names: [ArraySlice<UInt8>]) -> Bool {
        zip(parts, names).allSatisfy { $0.matches(Array($1)) }
    }

    /// One name of a pattern.
    public struct Part: Sendable {
        /// As it was written.
        public let text: String
        /// What stands before and behind the star; nil where it has none.
        private let ends: (before: [UInt8], behind: [UInt8])?

        init(_ text: String) {
            self.text = text
            let bytes = Array(text.utf8)
            ends = bytes.firstIndex(of: UInt8(ascii: "*")).map { (Array(bytes[..<$0]), Array(bytes[($0 + 1)...])) }
        }

        /// Whether a part of the name may be anything.
        public var hasStar: Bool { ends != nil }

        /// Whether it names that.
        public func matches(_ name: String) -> Bool { matches(Array(name.utf8)) }

        /// Whether it names that, byte for byte. What is git's or ours is never meant by a star.
        public func matches(_ name: [UInt8]) -> Bool {
            guard let ends else { return name.elementsEqual(text.utf8) }
            return name.count >= ends.before.count + ends.behind.count && name.starts(with: ends.before)
                && name.reversed().starts(with: ends.behind.reversed())
                && !(ends.before.isEmpty && name.first == UInt8(ascii: "."))
                && !name.elementsEqual(".pmo".utf8) && !name.elementsEqual(".git".utf8)
        }

        /// Whether there is a name that both stand for.
        func meets(_ other: Part) -> Bool {
            guard let ends else { return other.matches(text) }
            guard let others = other.ends else { return matches(other.text) }
            return Self.agree(ends.before, others.before)
                && Self.agree(ends.behind.reversed(), others.behind.reversed())
        }

        private static func agree(_ one: some Sequence<UInt8>, _ other: some Sequence<UInt8>) -> Bool {
            zip(one, other).allSatisfy { $0 == $1 }
        }
    }

    /// By the text.
    public static func == (left: Self, right: Self) -> Bool { left.path == right.path }
    /// By the text.
    public func hash(into hasher: inout Hasher) { hasher.combine(path) }
}
