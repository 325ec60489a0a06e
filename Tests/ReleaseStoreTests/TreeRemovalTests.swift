import Glibc
import SystemPackage
import Testing

@testable import ReleaseStore

struct TreeRemovalTests {
    @Test func `links are removed, not followed (A06)`() throws {
        try withDirectory { (directory) throws in
            let tree = directory.appending("tree")
            try #require(mkdir(tree.string, 0o755) == 0)
            try #require(mkdir(directory.appending("theirs").string, 0o755) == 0)
            try write("keep", to: directory.appending("theirs").appending("file"))
            for (name, target) in [("up", ".."), ("root", "/"), ("loop", "loop"), ("theirs", "../theirs")] {
                try link(at: tree.appending(name), to: target)
            }
            try TreeRemoval.remove(tree)
            try link(at: tree, to: "theirs")
            try TreeRemoval.remove(tree)
            try TreeRemoval.remove(tree)
            #expect(try names(in: directory) == ["theirs"])
            #expect(try names(in: directory.appending("theirs")) == ["file"])
        }
    }

    @Test func `names of any bytes go (A10, A11)`() throws {
        try withDirectory { (directory) throws in
            let tree = directory.appending("tree")
            try #require(mkdir(tree.string, 0o755) == 0)
            let names: [[CChar]] = [[-1, -2, 0], [10, 27, 0], [-61, 0], Array("ü \u{202e}".utf8CString)]
            for name in names {
                let below = tree.pushing(FilePath(platformString: name))
                try #require(below.withPlatformString { mkdir($0, 0o755) } == 0)
                try #require(below.appending("file").withPlatformString { mknod($0, S_IFREG | 0o644, 0) } == 0)
            }
            try TreeRemoval.remove(tree)
            #expect(!exists(tree))
        }
    }

    @Test
    func `a tree 300 deep with paths of 9,000 bytes, some write-protected, goes with 40 descriptors and without root`()
        throws
    {
        try withDirectory { (directory) throws in
            // The child is somebody else where this is root: the tree is to be that one's.
            try #require(try run("sh", "-eu", "-c", Self.script, "sh", directory.string) == 0)
            #expect(try ChildProcess(.removeUnprivileged, in: directory).wait() == 0)
            #expect(!exists(directory.appending("tree")))
        }
    }

    private static let script = """
        cd "$1"; mkdir tree; cd tree
        mkdir -p read/below search none; touch read/below/file search/file none/file
        chmod 500 read read/below; chmod 400 search; chmod 0 none
        d=a-directory-with-quite-a-name; d=$d/$d/$d; d=$d/$d/$d/$d/$d
        i=0; while [ $i -lt 20 ]; do mkdir -p $d; cd -P $d; touch file; i=$((i + 1)); done
        cd "$1"
        if [ "$(id -u)" = 0 ]; then chown -R nobody "$1"; fi
        """
}
