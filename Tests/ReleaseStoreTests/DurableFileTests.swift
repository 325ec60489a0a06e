import Glibc
import SystemPackage
import Testing

@testable import ReleaseStore

struct DurableFileTests {
    @Test func `a file has its mode and bytes, and nothing else is left`() throws {
        try withDirectory { (directory) throws in
            let path = directory.appending("values")
            try DurableFile.write([1, 0, 255], to: path, mode: 0o600)
            #expect(mode(of: path) == 0o600)
            try DurableFile.write(Array(repeating: 7, count: 3 << 20), to: path, mode: 0o666)
            #expect(mode(of: path) == 0o666)
            #expect(try DurableFile.read(path)?.count == 3 << 20)
            #expect(try names(in: directory) == ["values"])
        }
    }

    @Test func `a link in the file's place is replaced, not followed`() throws {
        try withDirectory { (directory) throws in
            try write("theirs", to: directory.appending("theirs"))
            try link(at: directory.appending("ours"), to: "theirs")
            try DurableFile.write(Array("ours".utf8), to: directory.appending("ours"))
            #expect(try text(of: directory.appending("theirs")) == "theirs")
            #expect(try text(of: directory.appending("ours")) == "ours")
        }
    }

    @Test func `a link at the name that a file has at first is refused, not followed`() throws {
        try withDirectory { (directory) throws in
            try write("theirs", to: directory.appending("theirs"))
            // Whoever knows the process can tell the names that come next.
            let parts = TemporaryName.next(for: "ours").split(separator: ".")
            let last = try #require(Int(parts[parts.count - 2]))
            for number in 1...3000 {
                let name = "." + (parts.dropLast(2) + ["\(last + number)", "tmp"]).joined(separator: ".")
                try link(at: directory.appending(name), to: "theirs")
            }
            #expect(throws: StoreError.self) {
                try DurableFile.write(Array("ours".utf8), to: directory.appending("ours"))
            }
            #expect(try text(of: directory.appending("theirs")) == "theirs")
        }
    }

    @Test func `a file that cannot be renamed to its place leaves nothing`() throws {
        try withDirectory { (directory) throws in
            try #require(mkdir(directory.appending("values").string, 0o755) == 0)
            let error = #expect(throws: StoreError.self) {
                try DurableFile.write([1], to: directory.appending("values"))
            }
            #expect(error?.description.hasPrefix("cannot rename \(directory)") == true)
            #expect(try names(in: directory) == ["values"])
        }
    }

    @Test func `what is not there reads as nothing, a link or a directory as an error`() throws {
        try withDirectory { (directory) throws in
            #expect(try DurableFile.read(directory.appending("none")) == nil)
            try write("secret", to: directory.appending("file"))
            try link(at: directory.appending("link"), to: "file")
            #expect(throws: StoreError.self) { try DurableFile.read(directory.appending("link")) }
            #expect(throws: StoreError.self) { try DurableFile.read(directory) }
            #expect(throws: StoreError.system(action: "read", path: directory.appending("file"), code: EFBIG)) {
                try DurableFile.read(directory.appending("file"), limit: 3)
            }
        }
    }

    @Test func `a link is replaced in one step, and removed whether it is there or not`() throws {
        try withDirectory { (directory) throws in
            let path = directory.appending("link")
            try DurableFile.link(at: path, to: "one")
            try DurableFile.link(at: path, to: "two")
            #expect(try linkTarget(of: path) == "two")
            try DurableFile.remove(path)
            try DurableFile.remove(path)
            try DurableFile.remove("/nowhere/at/all")
            #expect(try names(in: directory).isEmpty)
        }
    }
}
