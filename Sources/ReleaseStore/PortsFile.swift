import ReleaseModel
import SystemPackage

/// A slot's `ports`: a number a line.
enum PortsFile {
    static func read(_ path: FilePath) throws(StoreError) -> [Int] {
        guard let bytes = try DurableFile.read(path, limit: 4096) else { return [] }
        var ports: [Int] = []
        for line in String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline) {
            guard let port = Int(line), (1...65535).contains(port) else {
                throw .damaged(path: path, problem: "says “\(line.shown(limit: 40))” where a port should be")
            }
            ports.append(port)
        }
        return ports
    }

    static func write(_ ports: [Int], to path: FilePath) throws(StoreError) {
        try DurableFile.write(Array(ports.map { "\($0)\n" }.joined().utf8), to: path)
    }
}
