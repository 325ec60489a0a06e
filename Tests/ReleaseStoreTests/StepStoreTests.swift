import Foundation
import Glibc
import ReleaseModel
import SystemPackage
import Testing

@testable import ReleaseStore

@Suite("Kept outputs of build steps")
struct StepStoreTests {
    /// Four entries with five bytes.
    private static let weight = 5 + 4 * 4096
    private let key = String(repeating: "a", count: 40)

    /// A partial release with an output, and a directory that is open for every attack on it.
    private func withStore(_ body: (StepStore, FilePath) throws -> Void) throws {
        try withApp { app in
            let partial = try ReleaseStore(app).makePartial(deploy: 1)
            try FileManager.default.createDirectory(
                atPath: partial.appending("dist/deep/empty").string, withIntermediateDirectories: true)
            try Data("made\n".utf8).write(to: URL(fileURLWithPath: partial.appending("dist/deep/page").string))
            chmod(partial.appending("dist/deep").string, 0o555)
            try body(StepStore(app), partial)
        }
    }

    private func keep(_ store: StepStore, _ partial: FilePath, _ name: String? = nil, limit: Int = 1 << 20) throws
        -> StepRecord?
    {
        try store.keep(
            [PathPattern("dist")], of: partial, builtAt: "/build", key: name ?? key, content: key, command: "make",
            limit: limit)
    }

    @Test("are brought back as they were, in place of what stands there")
    func areBroughtBack() throws {
        try withStore { store, partial in
            let kept = try #require(try keep(store, partial))
            #expect(kept.entries == 4 && kept.bytes == 5)
            let next = try ReleaseStore(store.app).makePartial(deploy: 2)
            try Data("stale\n".utf8).write(to: URL(fileURLWithPath: next.appending("dist").string))
            #expect(try store.bring(key, as: [PathPattern("dist")], into: next)?.key == key)
            let page = next.appending("dist/deep/page")
            #expect(try DurableFile.read(page).map { String(decoding: $0, as: UTF8.self) } == "made\n")
            #expect(next.appending("dist/deep").status()?.st_mode == S_IFDIR | 0o555)
            #expect(next.appending("dist/deep/empty").isRealDirectory)
            #expect(page.status()?.st_nlink == 1, "a copy, not a second name")
            #expect(try store.bring(String(repeating: "b", count: 40), as: [PathPattern("dist")], into: next) == nil)
        }
    }

    @Test("A37: lead nowhere through a link that stands in their way")
    func followNoLink() throws {
        try withStore { store, partial in
            _ = try keep(store, partial)
            let next = try ReleaseStore(store.app).makePartial(deploy: 2)
            let outside = store.app.root.appending("outside")
            try DurableFile.makeDirectories(outside.appending("deep"))
            #expect(symlink(outside.string, next.appending("dist").string) == 0)
            _ = try store.bring(key, as: [PathPattern("dist")], into: next)
            #expect(next.appending("dist").isRealDirectory)
            #expect(try outside.namesInside() == ["deep"] && outside.appending("deep").namesInside() == [])
        }
    }

    @Test("an entry whose description names other paths than the step makes is removed, not believed")
    func areChecked() throws {
        try withStore { store, partial in
            let kept = try #require(try keep(store, partial))
            for path in ["../../../shared", ".pmo/units", "other"] {
                var wrong = kept
                wrong.outputs = [path]
                try JSONFile.write(wrong, to: store.app.steps.appending("\(key)/step.json"))
                #expect(try store.bring(key, as: [PathPattern("dist")], into: partial) == nil)
                #expect(store.record(key) == nil)
                let again = try ReleaseStore(store.app).makePartial(deploy: 3)
                try DurableFile.makeDirectories(again.appending("dist"))
                _ = try keep(store, again)
            }
        }
    }

    @Test("take no more than their budget: the least recently used go first")
    func areTrimmed() throws {
        try withStore { store, partial in
            let keys = ["1", "2", "3"].map { String(repeating: $0, count: 40) }
            for key in keys { _ = try keep(store, partial, key) }
            _ = try store.bring(
                keys[0], as: [PathPattern("dist")], into: ReleaseStore(store.app).makePartial(deploy: 2))
            #expect(try store.trim(to: 2 * Self.weight).map(\.key) == [keys[1]])
            #expect(try store.trim(to: 2 * Self.weight).isEmpty)
            #expect(try store.trim(to: Self.weight).map(\.key) == [keys[2]])
            #expect(try store.records().map(\.key) == [keys[0]])
            #expect(try keep(store, partial, keys[1], limit: Self.weight - 1) == nil)
            #expect(try store.app.steps.namesInside() == [keys[0]])
        }
    }

    @Test("a file comes whole from another file system, where the kernel shares and copies nothing by itself")
    func crossesFileSystems() throws {
        try withStore { store, _ in
            let source = "/dev/shm/pmo-clone-\(UUID().uuidString)"
            let bytes = (0..<600_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
            try Data(bytes).write(to: URL(fileURLWithPath: source))
            defer { unlink(source) }
            let target = store.app.root.appending("copy")
            let from = open(source, O_RDONLY)
            let to = open(target.string, O_WRONLY | O_CREAT, 0o600)
            defer { [from, to].forEach { close($0) } }
            #expect(try FileClone.fill(to, from: from, size: bytes.count, path: target) == .copy)
            #expect(try DurableFile.read(target) == bytes)
        }
    }
}
