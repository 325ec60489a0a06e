import CLibgit2
import ReleaseModel

/// The id of an object of any kind: 20 bytes, as three numbers so that it is cheap to hash and to compare.
struct ObjectID: Hashable, Sendable {
    private let head: UInt64
    private let middle: UInt64
    private let tail: UInt32

    /// Reads the 20 bytes that stand at the pointer.
    init(bytes: UnsafeRawPointer) {
        head = bytes.loadUnaligned(as: UInt64.self)
        middle = bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
        tail = bytes.loadUnaligned(fromByteOffset: 16, as: UInt32.self)
    }

    init(_ raw: git_oid) {
        self = withUnsafeBytes(of: raw.id) { bytes in
            bytes.baseAddress.map { ObjectID(bytes: $0) } ?? ObjectID()
        }
    }

    init(_ commit: CommitID) throws(GitError) {
        var raw = git_oid()
        try check(git_oid_fromstr(&raw, commit.text), "git_oid_fromstr")
        self.init(raw)
    }

    /// The id that stands for “no object”: zeros.
    init() {
        (head, middle, tail) = (0, 0, 0)
    }

    /// As libgit2 takes it.
    var raw: git_oid {
        var raw = git_oid()
        withUnsafeMutableBytes(of: &raw.id) { bytes in
            bytes.storeBytes(of: head, as: UInt64.self)
            bytes.storeBytes(of: middle, toByteOffset: 8, as: UInt64.self)
            bytes.storeBytes(of: tail, toByteOffset: 16, as: UInt32.self)
        }
        return raw
    }

    /// 40 lower-case hexadecimal digits.
    var text: String {
        withUnsafeBytes(of: raw.id) { bytes in
            String(unsafeUninitializedCapacity: 40) { buffer in
                for (place, byte) in bytes.enumerated() {
                    buffer[place * 2] = Self.digit(byte >> 4)
                    buffer[place * 2 + 1] = Self.digit(byte & 15)
                }
                return 40
            }
        }
    }

    private static func digit(_ value: UInt8) -> UInt8 { value < 10 ? 48 + value : 87 + value }

    /// The same id as the model's value, for an object that is known to be a commit.
    func commitID() throws(GitError) -> CommitID {
        do throws(InvalidValue) {
            return try CommitID(text)
        } catch {
            throw .unknownCommit(text)
        }
    }
}
