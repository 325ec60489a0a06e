import Glibc
import ReleaseModel

/// git's pkt-line framing (gitprotocol-common(5)): four hexadecimal digits of length, themselves included, then the
/// payload; `0000` is a flush. A payload has at most 65,516 bytes.
enum PacketLine {
    static let payloadLimit = 65_516

    static func encode(_ text: String) -> [UInt8] {
        let payload = Array(text.utf8.prefix(payloadLimit))
        let digits = String(payload.count + 4, radix: 16)
        return Array((String(repeating: "0", count: 4 - digits.count) + digits).utf8) + payload
    }

    static let flush = Array("0000".utf8)

    /// The payload's length; nil for a flush.
    ///
    /// - Throws: `PacketError.malformed` for what is no length.
    static func length(_ header: [UInt8]) throws(PacketError) -> Int? {
        guard header.count == 4, header.allSatisfy({ ($0 as UInt8).isHexadecimal }),
            let length = Int(String(decoding: header, as: UTF8.self), radix: 16)
        else { throw .malformed }
        if length == 0 { return nil }
        guard length >= 4, length - 4 <= payloadLimit else { throw .malformed }
        return length - 4
    }
}

/// What is wrong with git's side of the protocol.
enum PacketError: HintedError {
    case malformed
    case ended
    case version(String)

    var description: String {
        switch self {
        case .malformed: "git sent something that is no packet line"
        case .ended: "git ended in the middle of a packet line"
        case .version(let text): "git speaks proc-receive “\(text.shown(limit: 40))”, not version 1"
        }
    }
    var hint: String? { "git --version, on the host, must say 2.29 or later" }
}

/// Reads packet lines from a descriptor.
struct PacketReader {
    let descriptor: Int32

    /// The lines up to the next flush, each without a final newline.
    func section() throws(PacketError) -> [String] {
        var lines: [String] = []
        while let length = try PacketLine.length(try read(4)) {
            var text = String(decoding: try read(length), as: UTF8.self)
            if text.hasSuffix("\n") { text.removeLast() }
            lines.append(text)
        }
        return lines
    }

    private func read(_ count: Int) throws(PacketError) -> [UInt8] {
        var result = [UInt8](repeating: 0, count: count)
        var filled = 0
        while filled < count {
            let got = result.withUnsafeMutableBytes {
                Glibc.read(descriptor, $0.baseAddress.map { $0 + filled }, count - filled)
            }
            if got < 0, errno == EINTR { continue }
            guard got > 0 else { throw .ended }
            filled += got
        }
        return result
    }
}

extension UInt8 {
    fileprivate var isHexadecimal: Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self)
            || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(self | 0x20)
    }
}
