import Foundation
import Glibc
import ReleaseModel
import SystemPackage
import Testing

@testable import ReleaseStore

/// A tree that is compared with its index, all directories at once.
struct VerificationTests {
    @Test func `every kind of damage in every directory is found, and what is whole stays`() throws {
        try withDirectory { place in
            let root = place.appending("tree")
            let files = try tree(at: root, directories: 40, files: 25)
            var wanted: Set<[UInt8]> = []
            for (number, file) in files.enumerated() where number % 7 == 3 {
                let path = root.string + "/" + String(decoding: file.path, as: UTF8.self)
                SpareTests.tampering[number % SpareTests.tampering.count].1(path)
                wanted.insert(file.path)
            }
            let missing = try TreeVerification.run(root, index(of: files, in: place))
            #expect(missing == wanted)
            #expect(
                try paths(in: root)
                    == Set(files.map { String(decoding: $0.path, as: UTF8.self) }).subtracting(
                        wanted.map { String(decoding: $0, as: UTF8.self) }))
        }
    }

    @Test func `a directory that is gone, is a link or a file, or has moved has none of its files`() throws {
        try withDirectory { place in
            let root = place.appending("tree")
            let files = try tree(at: root, directories: 8, files: 3)
            let outside = place.appending("outside")
            rename(root.appending("d0").string, outside.string)
            symlink(outside.string, root.appending("d0").string)
            try FileManager.default.removeItem(atPath: root.appending("d1").string)
            rename(root.appending("d2").string, root.appending("elsewhere").string)
            try FileManager.default.removeItem(atPath: root.appending("d3/below").string)
            FileManager.default.createFile(atPath: root.appending("d3/below").string, contents: Data())
            let missing = try TreeVerification.run(root, index(of: files, in: place))
            let gone = ["d0/", "d1/", "d2/", "d3/below/"].map { Array($0.utf8) }
            #expect(missing == Set(files.map(\.path).filter { path in gone.contains { path.starts(with: $0) } }))
            #expect(try paths(in: root).isDisjoint(with: ["d0", "elsewhere", "d3/below"]))
            #expect(try !paths(in: outside).isEmpty, "what a link leads to is left alone")
        }
    }

    @Test func `an index that names what is no file of the tree is none`() throws {
        try withDirectory { place in
            for path in ["../x", "a/../x", ".", "..", "", "a//b", "/etc/passwd", "a/"] {
                let file = IndexedFile(
                    path: Array(path.utf8), mode: 0o100644, size: 1, blob: String(repeating: "a", count: 40), inode: 1,
                    modified: 1, changed: 1)
                let index = try ReleaseIndex(writingTo: place.appending("index"))
                try index.append(file)
                try index.close()
                #expect(IndexTable(reading: place.appending("index")) == nil, "\(path)")
                unlink(place.appending("index").string)
            }
        }
    }

    @Test func `an index that is changed anywhere is read or not, and nothing else happens`() throws {
        try withDirectory { place in
            let root = place.appending("tree")
            let files = try tree(at: root, directories: 2, files: 3)
            _ = try index(of: files, in: place)
            let path = place.appending("index").string
            let bytes = try #require(FileManager.default.contents(atPath: path))
            for position in bytes.indices {
                for bit in [0x01, 0x40, 0x80] as [UInt8] {
                    var changed = bytes
                    changed[position] ^= bit
                    try changed.write(to: URL(fileURLWithPath: path))
                    if let table = IndexTable(reading: FilePath(path)) {
                        #expect(table.files.count(where: { _ in true }) == table.count)
                    }
                }
            }
        }
    }

    @Test func `an index is made of another, without some of its paths and with others`() throws {
        try withDirectory { place in
            let files = try tree(at: place.appending("tree"), directories: 6, files: 4)
            let table = try index(of: files, in: place)
            let gone = Set(files.map(\.path).filter { $0.last == UInt8(ascii: "1") || $0.starts(with: "d3/".utf8) })
            var added = files[0]
            added.path = Array("d4/new \u{1b}".utf8) + [0xff]
            let next = try ReleaseIndex(writingTo: place.appending("next"))
            next.append(contentsOf: table, except: gone)
            #expect(next.newest == files.map(\.changed).max(), "what is written in that tick must not go unseen")
            try next.append(added)
            try next.close()
            let read = try #require(ReleaseIndex.read(place.appending("next")))
            let wanted = files.filter { !gone.contains($0.path) } + [added]
            #expect(read.count == wanted.count)
            let inOrder: (IndexedFile, IndexedFile) -> Bool = { $0.path.lexicographicallyPrecedes($1.path) }
            #expect(read.sorted(by: inOrder) == wanted.sorted(by: inOrder))
        }
    }

    /// Files in `d<n>` and `d<n>/below`, and one of them a link.
    private func tree(at root: FilePath, directories: Int, files: Int) throws -> [IndexedFile] {
        var entries: [IndexedFile] = []
        for number in 0..<directories {
            for directory in ["d\(number)", "d\(number)/below"] {
                try FileManager.default.createDirectory(
                    atPath: root.appending(directory).string, withIntermediateDirectories: true)
                chmod(root.appending(directory).string, 0o755)
                for file in 0..<files {
                    let name = "\(directory)/f\(file)"
                    let path = root.appending(name).string
                    FileManager.default.createFile(atPath: path, contents: Data("kept\n".utf8))
                    chmod(path, file == 2 ? 0o755 : 0o644)
                    var status = stat()
                    lstat(path, &status)
                    entries.append(
                        IndexedFile(
                            path: Array(name.utf8), mode: Int(status.st_mode), size: 5,
                            blob: String(repeating: "1", count: 40), inode: UInt64(status.st_ino),
                            modified: status.st_mtim.tv_sec * 1_000_000_000 + status.st_mtim.tv_nsec,
                            changed: status.st_ctim.tv_sec * 1_000_000_000 + status.st_ctim.tv_nsec))
                }
            }
        }
        chmod(root.string, 0o755)
        FileClock.pass(entries.map(\.changed).max() ?? 0)
        return entries
    }

    private func index(of files: [IndexedFile], in place: FilePath) throws -> IndexTable {
        let index = try ReleaseIndex(writingTo: place.appending("index"))
        for file in files { try index.append(file) }
        try index.close()
        return try #require(IndexTable(reading: place.appending("index")))
    }

    /// What is in the tree, directories that the index knows of left out.
    private func paths(in root: FilePath) throws -> Set<String> {
        Set(
            try FileManager.default.subpathsOfDirectory(atPath: root.string).filter { path in
                var status = stat()
                return lstat(root.appending(path).string, &status) == 0 && status.st_mode & S_IFMT != S_IFDIR
                    || path == "elsewhere"
            })
    }
}
