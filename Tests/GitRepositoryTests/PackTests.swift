import CLibgit2
import Foundation
import Glibc
import ReleaseModel
import SystemPackage
import Testing

@testable import GitRepository

@Suite("Packs, read without libgit2")
struct PackTests {
    /// An object as git tells it.
    struct Known {
        let id: ObjectID
        let kind: git_object_t
        let bytes: [UInt8]
    }

    @Test(
        "are read as git reads them, each object, with either kind of delta and chains of up to 200",
        arguments: [("true", 200, 1 << 20), ("false", 200, 1 << 20), ("true", 50, 1), ("true", 200, 20_000)])
    func everyObject(_ offsets: String, _ depth: Int, _ kept: Int) throws {
        try withScratch { scratch in
            let files = try scratch.packed(offsets: offsets, depth: depth)
            let reader = try #require(PackReader(files, bases: kept))
            let objects = try scratch.objects()
            #expect(objects.count > 300)
            for object in objects {
                let header = try #require(reader.header(object.id))
                #expect(header.kind == object.kind && header.size == object.bytes.count)
                #expect(reader.bytes(of: object) == object.bytes)
            }
            for object in objects.shuffled() { #expect(reader.bytes(of: object) == object.bytes) }
        }
    }

    @Test("lend an object while others are read")
    func nested() throws {
        try withScratch { scratch in
            let reader = try #require(PackReader(try scratch.packed(offsets: "true", depth: 50), bases: 20_000))
            let objects = try scratch.objects().filter { $0.kind == GIT_OBJECT_BLOB }
            for (first, second) in zip(objects, objects.dropFirst()) {
                let isSame = try reader.withObject(first.id, first.kind) { (bytes) throws(GitError) in
                    reader.bytes(of: second) == second.bytes && Array(bytes) == first.bytes
                }
                #expect(isSame == true)
            }
        }
    }

    @Test(
        "never give a wrong object where a byte is damaged: nothing, or what git has (A16)", arguments: ["pack", "idx"])
    func damage(_ suffix: String) throws {
        try withScratch { scratch in
            _ = try scratch.packed(offsets: "true", depth: 50)
            let objects = try scratch.objects()
            let (whole, path) = try scratch.packBytes(suffix)
            var random = SplitMix(state: 7)
            var unread = 0
            for _ in 0..<150 {
                var bytes = whole
                let place = Int.random(in: 0..<bytes.count, using: &random)
                bytes[place] ^= UInt8.random(in: 1...255, using: &random)
                try bytes.write(to: path, options: .atomic)
                unread += try expectSound(objects, scratch)
            }
            #expect(unread > 0)
        }
    }

    @Test("never give a wrong object where one is cut short (A16)", arguments: ["pack", "idx"])
    func cut(_ suffix: String) throws {
        try withScratch { scratch in
            _ = try scratch.packed(offsets: "true", depth: 50)
            let objects = try scratch.objects()
            let (whole, path) = try scratch.packBytes(suffix)
            var random = SplitMix(state: 8)
            for _ in 0..<40 {
                try whole.prefix(Int.random(in: 0..<whole.count, using: &random)).write(to: path, options: .atomic)
                #expect(try expectSound(objects, scratch) == objects.count)
            }
        }
    }

    /// - Returns: how many objects were left to libgit2.
    private func expectSound(_ objects: [Known], _ scratch: Scratch) throws -> Int {
        guard let reader = PackReader(scratch.packFiles(), bases: 1 << 20) else { return objects.count }
        var unread = 0
        for object in objects {
            if let header = reader.header(object.id), header.kind == object.kind { _ = header.size }
            guard let bytes = reader.bytes(of: object) else {
                unread += 1
                continue
            }
            #expect(bytes == object.bytes)
        }
        return unread
    }

    @Test("leave what is odd to libgit2: circles, bases that are not there, sizes that are not true")
    func odd() throws {
        try withScratch { scratch in
            let copy: [UInt8] = [5, 5, 0x90, 5]
            var pack = HandMadePack()
            pack.add(1, type: 3, Array("hello".utf8))
            pack.add(2, type: 7, base: Array(repeating: 1, count: 20), copy)
            pack.add(3, type: 7, base: Array(repeating: 4, count: 20), copy)
            pack.add(4, type: 7, base: Array(repeating: 3, count: 20), copy)
            pack.add(5, type: 7, base: Array(repeating: 5, count: 20), copy)
            pack.add(6, type: 7, base: Array(repeating: 99, count: 20), copy)
            pack.add(7, type: 6, base: [0xff, 0xff, 0x7f], copy)
            pack.add(8, type: 6, base: [0], copy)
            pack.add(9, type: 3, Array("hello".utf8), size: 4)
            pack.add(10, type: 3, Array("hello".utf8), size: 1 << 40)
            pack.add(11, type: 5, Array("hello".utf8))
            pack.add(12, type: 0, Array("hello".utf8))
            pack.add(13, type: 7, base: Array(repeating: 1, count: 20), [4, 5, 0x90, 5])
            pack.add(14, type: 7, base: Array(repeating: 1, count: 20), [5, 6, 0x90, 6])
            pack.add(15, type: 7, base: Array(repeating: 1, count: 20), [5, 0xff, 0xff, 0xff, 0xff, 0x7f, 0x90, 5])
            pack.add(16, type: 7, base: Array(repeating: 1, count: 20), [5, 5, 0x91, 1, 5])
            pack.add(17, type: 7, base: Array(repeating: 1, count: 20), [5, 5, 0])
            pack.add(18, type: 7, base: Array(repeating: 1, count: 20), [])
            let reader = try #require(try pack.reader(in: scratch.root))
            for sound in [1, 2] as [UInt8] {
                let object = Known(id: HandMadePack.id(sound), kind: GIT_OBJECT_BLOB, bytes: [])
                #expect(reader.bytes(of: object) == Array("hello".utf8))
            }
            for odd in 3...18 as ClosedRange<UInt8> {
                let object = Known(id: HandMadePack.id(odd), kind: GIT_OBJECT_BLOB, bytes: [])
                #expect(reader.bytes(of: object) == nil, "object \(odd)")
                _ = reader.header(object.id)
            }
        }
    }

    @Test("never read or write outside of what is there, whatever a delta or a header says")
    func fuzz() {
        var random = SplitMix(state: 9)
        for _ in 0..<20_000 {
            let bytes = (0..<Int.random(in: 0..<40, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            bytes.withUnsafeBytes { bytes in
                for offset in -1...bytes.count + 1 {
                    guard let entry = PackEntry(bytes, at: offset) else { continue }
                    #expect(entry.size >= 0 && (offset + 1..<bytes.count).contains(entry.data))
                    if case .onOffset(let base) = entry.form { #expect((1..<max(2, offset)).contains(base)) }
                }
                guard let delta = PackDelta(bytes), delta.baseSize < 1000, delta.resultSize < 1000 else { return }
                let base = ByteBuffer(count: delta.baseSize)
                let result = ByteBuffer(count: delta.resultSize)
                _ = delta.apply(to: base.bytes, into: result.mutable)
            }
        }
    }
}

extension PackReader {
    /// nil where it is left to libgit2.
    fileprivate func bytes(of object: PackTests.Known) -> [UInt8]? {
        (try? withObject(object.id, object.kind) { (bytes) throws(GitError) in Array(bytes) }) ?? nil
    }
}

extension Scratch {
    /// Packs a history of files that change, with long chains of deltas, and opens the pack.
    fileprivate func packed(offsets: String, depth: Int) throws -> [PackFile] {
        _ = try history(of: 60, seed: 11)
        let text = (0..<200).map { "line \($0)\n" }
        var stream = ""
        for number in 1...220 {
            var changed = text
            changed[number % 200] = "changed \(number)\n"
            let content = changed.joined()
            stream += "commit refs/heads/long\ncommitter C <c@example.org> \(1_700_000_000 + number) +0000\ndata 0\n"
            stream += "M 100644 inline text\ndata \(content.utf8.count)\n\(content)\n"
        }
        try git("fast-import", "--quiet", input: Array(stream.utf8))
        try git("-c", "repack.useDeltaBaseOffset=\(offsets)", "repack", "-adfq", "--window=50", "--depth=\(depth)")
        return packFiles()
    }

    fileprivate func packFiles() -> [PackFile] { PackSet(objects: [repository.appending("objects").string]).files }

    fileprivate func packBytes(_ suffix: String) throws -> (Data, URL) {
        let packs = repository.appending("objects/pack")
        let name = packs.names.first { $0.hasSuffix(".\(suffix)") } ?? ""
        let path = URL(fileURLWithPath: packs.appending(name).string)
        return (try Data(contentsOf: path), path)
    }

    /// Every object of the repository, as `git cat-file` tells it.
    fileprivate func objects() throws -> [PackTests.Known] {
        var rest = try run(["git", "--git-dir", repository.string, "cat-file", "--batch-all-objects", "--batch"])[...]
        let kinds = ["commit": GIT_OBJECT_COMMIT, "tree": GIT_OBJECT_TREE, "blob": GIT_OBJECT_BLOB]
        var objects: [PackTests.Known] = []
        while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
            let words = String(decoding: rest[..<end], as: UTF8.self).split(separator: " ")
            let size = Int(words[2]) ?? 0
            let bytes = Array(rest[(end + 1)...].prefix(size))
            let id = try ObjectID(CommitID(String(words[0])))
            objects.append(PackTests.Known(id: id, kind: kinds[String(words[1])] ?? GIT_OBJECT_ANY, bytes: bytes))
            rest = rest[(end + 1)...].dropFirst(size + 1)
        }
        return objects
    }
}
