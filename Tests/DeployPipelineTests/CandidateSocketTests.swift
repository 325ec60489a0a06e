import Foundation
import Glibc
import Testing

@testable import DeployPipeline

@Suite("A service's socket is opened to nginx")
struct CandidateSocketTests {
    private func mode(_ path: String) -> mode_t {
        var status = stat()
        return stat(path, &status) == 0 ? status.st_mode & 0o777 : 0
    }

    @Test("A40: what the service has put in its place is not")
    func followsNoLink() throws {
        let place = "/tmp/pmo-socket-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(atPath: place) }
        let secret = "\(place)/secret"
        #expect(FileManager.default.createFile(atPath: secret, contents: Data("x".utf8)))
        chmod(secret, 0o600)
        symlink(secret, "\(place)/link")
        link(secret, "\(place)/file")
        for name in ["link", "file"] { CandidateCheck.open(socket: "\(place)/\(name)") }
        #expect(mode(secret) == 0o600)

        let socket = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(socket) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array("\(place)/socket".utf8)) }
        let bound = withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(socket, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        try #require(bound == 0)
        chmod("\(place)/socket", 0o755)
        CandidateCheck.open(socket: "\(place)/socket")
        #expect(mode("\(place)/socket") == 0o666)
    }
}
