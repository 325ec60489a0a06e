import FoundationEssentials

/// A public key as `ssh-keygen` writes it: `<type> <base64> [<comment>]` on one line (sshd(8), AUTHORIZED_KEYS FILE
/// FORMAT), without the options that a line of `authorized_keys` may begin with. The inside must be what the type
/// says (RFC 4253 §6.6, RFC 5656 §3.1, RFC 8709 §4, OpenSSH's PROTOCOL.u2f).
public struct PublicKey: Hashable, Codable, Sendable {
    /// How many bytes a line may have; a key of 16,384 bits takes 2,800.
    public static let longest = 8192

    /// The algorithm: `ssh-ed25519`.
    public let type: String
    /// The key itself, in base64.
    public let blob: String
    /// Whose it is, in its owner's words; printable ASCII, or empty.
    public let comment: String

    /// Reads the contents of a `.pub` file: one line, with or without its end.
    ///
    /// - Throws: what makes it something else than one public key without options (A32).
    public init(_ bytes: [UInt8]) throws(InvalidValue) {
        let text = String(decoding: bytes.prefix(Self.longest), as: UTF8.self)
        func refusal(_ rule: String) -> InvalidValue {
            InvalidValue("public key", text, rule, hint: "pmo-release key add <name> < ~/.ssh/id_ed25519.pub")
        }
        guard !bytes.isEmpty else { throw refusal("is empty; it is read from standard input") }
        guard bytes.count <= Self.longest else { throw refusal("has more than \(Self.longest) bytes") }
        guard !text.hasPrefix("-----BEGIN") else {
            throw refusal("is a private key, which stays with its owner; the public one ends in .pub")
        }
        let line = bytes.last == UInt8(ascii: "\n") ? bytes.dropLast() : bytes[...]
        guard !line.contains(UInt8(ascii: "\n")) else { throw refusal("must be one line, which is one key") }
        guard line.allSatisfy({ $0 >= 0x20 && $0 < 0x7f }) else {
            throw refusal("must be printable ASCII, without tabs or carriage returns")
        }
        let words = String(decoding: line, as: UTF8.self).split(
            separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
        guard let type = words.first, let shape = Self.shapes[String(type)] else {
            throw refusal("must begin with a key's type, such as ssh-ed25519, and without options")
        }
        guard words.count > 1, let blob = Data(base64Encoded: String(words[1])),
            blob.base64EncodedString() == words[1]
        else { throw refusal("has no base64 behind its type") }
        guard let fields = Self.fields([UInt8](blob)), fields.first == Array(type.utf8) else {
            throw refusal("is damaged: inside is no key of type \(type)")
        }
        if let problem = shape(fields) { throw refusal(problem) }
        self.type = String(type)
        self.blob = String(words[1])
        comment = words.count > 2 ? String(words[2]) : ""
    }

    /// What is wrong with the fields of each type that sshd takes; nil where nothing is.
    private static let shapes: [String: @Sendable ([[UInt8]]) -> String?] = [
        "ssh-ed25519": { expect($0, count: 2, size: 32...32) },
        "sk-ssh-ed25519@openssh.com": { expect($0, count: 3, size: 32...32) },
        "ecdsa-sha2-nistp256": { expect($0, count: 3, size: 8...8) },
        "ecdsa-sha2-nistp384": { expect($0, count: 3, size: 8...8) },
        "ecdsa-sha2-nistp521": { expect($0, count: 3, size: 8...8) },
        "sk-ecdsa-sha2-nistp256@openssh.com": { expect($0, count: 4, size: 8...8) },
        "ssh-rsa": { fields in
            guard fields.count == 3 else { return "is damaged: it has \(fields.count) fields, not 3" }
            // A positive number has a zero byte in front where its highest bit is set (RFC 4251 §5).
            let modulus = fields[2].drop { $0 == 0 }
            return modulus.count >= 256 ? nil : "is too short: \(modulus.count * 8) bits of RSA; 2,048 is the least"
        },
    ]

    private static func expect(_ fields: [[UInt8]], count: Int, size: ClosedRange<Int>) -> String? {
        guard fields.count == count else { return "is damaged: it has \(fields.count) fields, not \(count)" }
        return size.contains(fields[1].count) ? nil : "is damaged: its second field has \(fields[1].count) bytes"
    }

    /// The fields of a blob, each with its length in front (`string` of RFC 4251 §5); nil where they do not fill it.
    private static func fields(_ blob: [UInt8]) -> [[UInt8]]? {
        var fields: [[UInt8]] = []
        var rest = blob[...]
        while !rest.isEmpty {
            guard rest.count >= 4 else { return nil }
            let length = rest.prefix(4).reduce(0) { $0 << 8 | Int($1) }
            rest = rest.dropFirst(4)
            guard length <= rest.count else { return nil }
            fields.append(Array(rest.prefix(length)))
            rest = rest.dropFirst(length)
        }
        return fields
    }
}
