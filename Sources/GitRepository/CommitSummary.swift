public import ReleaseModel

/// What a commit says about itself. Texts are as they were pushed, decoded as UTF-8; escape them before they are shown.
public struct CommitSummary: Sendable, Equatable {
    /// The commit.
    public let id: CommitID
    /// Its tree's id, 40 hexadecimal digits.
    public let tree: String
    /// The first paragraph of its message in one line, at most 1,000 characters.
    public let subject: String
    /// The author's name, at most 1,000 characters.
    public let author: String
    /// The author's address, at most 1,000 characters.
    public let email: String
    /// When it was committed, seconds since 1970.
    public let time: Double

    /// A summary.
    public init(id: CommitID, tree: String, subject: String, author: String, email: String, time: Double) {
        self.id = id
        self.tree = tree
        self.subject = subject
        self.author = author
        self.email = email
        self.time = time
    }
}
