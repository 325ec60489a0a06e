/// Which release: a commit, and how often it has been built. It is the directory's name under `releases/`:
/// `<commit>` for the first build, `<commit>.2` for the second.
public struct ReleaseID: Hashable, Comparable, Codable, Sendable, CustomStringConvertible {
    /// The commit that the release was built from.
    public let commit: CommitID
    /// 1 for the first build of the commit, 2 for the second, and so on.
    public let build: Int

    /// The release of a commit's first, second … build.
    ///
    /// - Parameter build: 1 or more.
    public init(commit: CommitID, build: Int = 1) {
        precondition(build >= 1)
        self.commit = commit
        self.build = build
    }

    /// Reads a directory's name; nil where it is none of ours.
    public init?(directoryName: String) {
        let name = directoryName.utf8
        guard let dot = name.firstIndex(of: UInt8(ascii: ".")) else {
            guard let commit = try? CommitID(directoryName) else { return nil }
            self.init(commit: commit)
            return
        }
        let number = directoryName[name.index(after: dot)...]
        guard dot > name.startIndex, let build = Int(number), build >= 2, String(build) == number,
            let commit = try? CommitID(String(directoryName[..<dot]))
        else { return nil }
        self.init(commit: commit, build: build)
    }

    /// The directory's name.
    public var directoryName: String { build == 1 ? commit.text : "\(commit.text).\(build)" }
    /// `4f2c9ab` or `4f2c9ab.2`, as shown to people.
    public var short: String { build == 1 ? commit.short : "\(commit.short).\(build)" }
    /// The directory's name.
    public var description: String { directoryName }

    /// By commit, then by build.
    public static func < (left: Self, right: Self) -> Bool {
        left.commit == right.commit ? left.build < right.build : left.commit < right.commit
    }
    /// Reads the directory's name.
    public init(from decoder: any Decoder) throws {
        let name = try decoder.singleValueContainer().decode(String.self)
        guard let id = ReleaseID(directoryName: name) else {
            throw InvalidValue("release", name, "must be a commit id, with “.2” behind it for a second build")
        }
        self = id
    }
    /// Writes the directory's name.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(directoryName)
    }
}
