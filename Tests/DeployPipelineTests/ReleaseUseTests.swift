import Foundation
import Glibc
import ReleaseModel
import ReleaseStore
import SystemPackage
import Testing

@testable import DeployPipeline

@Suite("Which releases a process uses", .timeLimit(.minutes(1)))
struct ReleaseUseTests {
    /// What a shell does to use a release, and then says so; `$1` is the release, `$2` an empty directory elsewhere.
    private static let ways = [
        "cd $1; echo ready; read end", "exec 9< $1/file; echo ready; read end",
        "mount --bind $1 $2; cd /; exec 9< $2/file; echo ready; read end",
        "mount --bind $1/.. $2; cd /; exec 9< $2/${1##*/}/file; echo ready; read end",
        "mount --bind $1 $2; cd /; echo ready; read end",
    ]

    @Test(
        "also of one that knows them by the mounts of a namespace of its own",
        .enabled(if: geteuid() == 0, "namespaces of mounts are root's to make"), arguments: ways)
    func isSeen(_ way: String) throws {
        let temporary = FileManager.default.temporaryDirectory.path
        let place = "\(temporary)/pmo use \(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: place) }
        let app = HostLayout(home: FilePath(place + "/home")).app(try AppName("pmo"))
        let used = app.releases.appending(String(repeating: "a", count: 40)).string
        let other = app.releases.appending(String(repeating: "b", count: 40)).string
        for path in [used, other, place + "/else"] {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
            FileManager.default.createFile(atPath: path + "/file", contents: Data("text".utf8))
        }
        #expect(ReleaseUse(app).paths() == [])
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/unshare")
        let quoted = way.replacing("$1", with: "\"$1\"").replacing("$2", with: "\"$2\"")
        process.arguments = ["-m", "sh", "-ec", quoted, "sh", used, place + "/else"]
        let (input, output) = (Pipe(), Pipe())
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        #expect(String(decoding: output.fileHandleForReading.availableData, as: UTF8.self) == "ready\n")
        #expect(ReleaseUse(app).paths() == [used])
        try input.fileHandleForWriting.close()
        process.waitUntilExit()
        #expect(ReleaseUse(app).paths() == [])
    }
}
