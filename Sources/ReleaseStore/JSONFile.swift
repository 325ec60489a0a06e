import FoundationEssentials
import Glibc
import SystemPackage

/// Values as JSON files: sorted keys, a line each, so that a person can read them and compare two.
enum JSONFile {
    static func bytes(_ value: some Encodable, for path: FilePath) throws(StoreError) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        do {
            return try [UInt8](encoder.encode(value)) + [UInt8(ascii: "\n")]
        } catch {
            throw .damaged(path: path, problem: "cannot be written: \(error)")
        }
    }

    static func write(_ value: some Encodable, to path: FilePath, mode: CInterop.Mode = 0o644) throws(StoreError) {
        try DurableFile.write(bytes(value, for: path), to: path, mode: mode)
    }

    /// The value in a file; nil where there is no file.
    static func read<Value: Decodable>(_ type: Value.Type, from path: FilePath) throws(StoreError) -> Value? {
        guard let bytes = try DurableFile.read(path) else { return nil }
        do {
            return try JSONDecoder().decode(type, from: Data(bytes))
        } catch {
            throw .damaged(path: path, problem: "cannot be read: \(problem(error))")
        }
    }

    /// The value in a file that must be there.
    static func require<Value: Decodable>(_ type: Value.Type, from path: FilePath) throws(StoreError) -> Value {
        guard let value = try read(type, from: path) else { throw .system(action: "read", path: path, code: ENOENT) }
        return value
    }

    private static func problem(_ error: any Error) -> String {
        switch error {
        case DecodingError.keyNotFound(let key, _): "“\(key.stringValue)” is missing"
        case DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context):
            "“\(context.codingPath.map(\.stringValue).joined(separator: "."))” is of another type"
        case DecodingError.dataCorrupted: "it is not JSON"
        default: "\(error)"
        }
    }
}
