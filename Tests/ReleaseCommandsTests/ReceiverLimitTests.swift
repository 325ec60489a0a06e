import Foundation
import Testing

@Suite("The receiver of a key's pushes", .serialized, .timeLimit(.minutes(20)))
struct ReceiverLimitTests {
    /// What was seen of a push by a client of its own, which speaks git's protocol to the forced command.
    private struct Seen: Decodable {
        let said: String
        let packBytes: Int
        /// Of the forced command and all below it: the largest resident set of one process, and all processor time.
        let mebibytes: Int
        let seconds: Double
    }

    private func push(_ bomb: String, to host: TestHost, _ more: String...) async throws -> Seen {
        let script = "\(host.root)/bomb.py"
        try Self.client.write(toFile: script, atomically: true, encoding: .utf8)
        let ended = try await host.run(
            "python3", [script, Programs.release, host.home, bomb] + more, within: .seconds(240))
        try #require(ended.status == 0, "\(ended)")
        return try JSONDecoder().decode(Seen.self, from: Data(ended.out.utf8))
    }

    private func isWithin(_ seen: Seen, _ name: String) {
        // 64 MiB over the limit for the program's text, and some seconds for the other processes.
        #expect(seen.mebibytes <= 576 && seen.seconds <= 70, "\(name): \(seen)")
    }

    @Test("G12, A14: a pack of some kilobytes that asks for gigabytes, or for hours, is refused within its limits")
    func refusesBombs() async throws {
        try await TestHost.with { host in
            try await host.deploy(["index.html": "served\n"])
            try await host.letIn("alice")
            // A minute of processor time would be a long test: less is enough to see the limit.
            #expect(try await host.pmo("settings", "pmo", "--receive-time", "3s").status == 0)
            let before = try await host.snapshot()

            let memory = try await push("memory", to: host)
            #expect(memory.packBytes < 32 << 10, "\(memory.packBytes)")
            #expect(
                memory.said.contains("pmo-release: error: this push takes more than 512M of memory to unpack"),
                "\(memory)")
            #expect(memory.said.contains("hint: "), "\(memory)")
            isWithin(memory, "memory")

            let time = try await push("time", to: host)
            #expect(time.packBytes < 128 << 10, "\(time.packBytes)")
            #expect(
                time.said.contains("pmo-release: error: this push takes more than 3s of processor time to unpack"),
                "\(time)")
            isWithin(time, "time")
            print(
                "G12: \(memory.packBytes) bytes: \(memory.mebibytes) MiB, \(memory.seconds) s;",
                "\(time.packBytes) bytes: \(time.mebibytes) MiB, \(time.seconds) s")
            #expect(try await host.snapshot() == before, "a refused push leaves nothing")
        }
    }

    @Test("A15, A16: an oversized push, a broken pack and a missing object are refused in words that fit")
    func refusesOthers() async throws {
        try await TestHost.with { host in
            try await host.deploy(["index.html": "served\n"])
            try await host.letIn("alice")
            let before = try await host.snapshot()
            let broken = try await push("broken", to: host)
            #expect(
                broken.said.contains("unpacker error") && !broken.said.contains("pmo-release: error: "), "\(broken)")
            let missing = try await push("missing", to: host)
            #expect(
                missing.said.contains("unpacker error") && !missing.said.contains("pmo-release: error: "), "\(missing)")
            try await host.git("config", "receive.maxInputSize", "1m", directory: host.receiver)
            let large = try await push("large", to: host)
            #expect(large.said.contains("pmo-release: error: this push is larger than the receiver takes"), "\(large)")
            #expect(large.said.contains("hint: take large files out of the history"), "\(large)")
            #expect(try await host.snapshot() == before)
            // What is within the limits goes through the same way.
            let good = try await push("good", to: host)
            #expect(good.said.contains("=====> Live") && good.said.contains("ok refs/heads/main"), "\(good)")
            #expect(try await host.get("/").body == "good\n")
        }
    }

    @Test("takes a large file that is no bomb, within the same memory")
    func takesLargeFiles() async throws {
        try await TestHost.with { host in
            let ssh = try await host.makeForcedCommand(key: "alice")
            try await host.git("remote", "set-url", "production", "ssh://pmo@example.org/pmo")
            try await host.run("sh", ["-c", "head -c 100000000 /dev/urandom > large; echo large > index.html"])
            try await host.commit("100 MB")
            let pushed = try await host.push(environment: ssh, within: .seconds(300))
            #expect(pushed.status == 0, "\(pushed)")
            #expect(try await host.get("/").body == "large\n")
        }
    }

    /// Makes a pack by hand (gitformat-pack(5)) and pushes it (gitprotocol-pack(5)). A copy of a delta brings up to
    /// 16 MiB of its base by seven bytes, so that a blob of 16 MiB of zeros, 16 KB of zlib, becomes one of a gigabyte.
    private static let client = #"""
        import hashlib, json, os, resource, struct, subprocess, sys, zlib
        program, home, bomb = sys.argv[1:4]
        MIB = 1 << 20

        def entry(kind, data, base=b""):
            size, first, head = len(data), True, b""
            byte, size = (kind << 4) | (size & 15), size >> 4
            while size:
                head += bytes([byte | 0x80])
                byte, size = size & 0x7f, size >> 7
            return head + bytes([byte]) + base + zlib.compress(data, 9)

        def name(kind, data): return hashlib.sha1(b"%s %d\0" % (kind, len(data)) + data).digest()

        def varint(number):
            out = b""
            while number > 0x7f:
                out += bytes([number & 0x7f | 0x80])
                number >>= 7
            return out + bytes([number])

        def copies(base, pieces):
            """A delta that puts the first bytes of its base, up to 16 MiB - 1, so many times after each other."""
            size = min(base, 0xffffff)
            copy = bytes([0x80 | 0x10 | 0x20 | 0x40]) + struct.pack("<I", size)[:3]
            return varint(base) + varint(size * pieces) + copy * pieces, size * pieces

        def chained(bases):
            zeros = bytes(16 * MIB)
            entries = [entry(3, zeros)]
            base, size = name(b"blob", zeros), len(zeros)
            for pieces, count in bases:
                data, size = copies(size, pieces)
                entries.append(entry(7, data, base))
                # As many results of the same base as are asked for; each differs by a byte that it inserts.
                for number in range(count - 1):
                    other = varint(16 * MIB) + varint(size + 1) + data[len(varint(16 * MIB)) + len(varint(size)):]
                    other += bytes([1, number % 256])
                    entries.append(entry(7, other, base))
                break
            return entries

        def simple(text):
            tree = b"100644 index.html\0" + name(b"blob", text)
            commit = (b"tree " + name(b"tree", tree).hex().encode() + b"\nauthor A <a@b> 1 +0000\n"
                      b"committer A <a@b> 1 +0000\n\nA commit\n")
            return name(b"commit", commit).hex(), [entry(1, commit), entry(2, tree)], entry(3, text)

        text = b"good\n" if bomb == "good" else b"bomb\n"
        commit, entries, blob = simple(text)
        if bomb != "missing": entries.append(blob)
        if bomb == "memory": entries += chained([(66, 1)])
        if bomb == "time": entries += chained([(6, 250)])
        if bomb == "large": entries.append(entry(3, os.urandom(3 * MIB)))
        pack = b"PACK" + struct.pack(">II", 2, len(entries)) + b"".join(entries)
        pack += hashlib.sha1(pack).digest()
        if bomb == "broken": pack = pack[:40] + bytes([pack[40] ^ 0xff]) + pack[41:]

        server = subprocess.Popen([program, "shell", "--key", "alice", "--home", home], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env={"SSH_ORIGINAL_COMMAND": "git-receive-pack 'pmo'"})

        def packet():
            length = int(server.stdout.read(4) or b"0", 16)
            return server.stdout.read(length - 4) if length > 3 else None

        old, line = "0" * 40, packet()
        while line is not None:
            words = line.split(b"\0")[0].split()
            if words[1] == b"refs/heads/main": old = words[0].decode()
            line = packet()
        ask = f"{old} {commit} refs/heads/main\0report-status side-band-64k agent=bomb".encode()
        said = b""
        try:
            server.stdin.write(b"%04x" % (len(ask) + 4) + ask + b"0000" + pack)
            server.stdin.close()
        except BrokenPipeError: pass
        line = packet()
        while line is not None:
            said += line[1:]
            line = packet()
        said += server.stderr.read()
        server.wait()
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        print(json.dumps({"said": said.decode(errors="replace"), "packBytes": len(pack),
            "mebibytes": used.ru_maxrss >> 10, "seconds": used.ru_utime + used.ru_stime}))
        """#
}
