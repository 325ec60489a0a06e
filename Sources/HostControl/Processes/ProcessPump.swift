import CLinux
import Glibc
import ReleaseModel
import SystemPackage

/// Feeds a child, drains both its pipes at once, and ends its whole process group when the time is up.
struct ProcessPump {
    /// How long a process has between TERM and KILL.
    static let grace = Duration.seconds(5)
    /// How long left-overs of an ended process may hold its pipes.
    static let afterExit = Duration.seconds(1)

    private let child: SpawnedProcess
    private var streams: [(descriptor: Int32, isError: Bool)] = []
    private var result = CommandResult()
    private var exited: ContinuousClock.Instant?
    private var termAt: ContinuousClock.Instant
    private var killAt: ContinuousClock.Instant?

    init(_ command: Command, merged: Bool) throws(HostError) {
        let input = try Self.input(command.input)
        defer { close(input) }
        let output = try Self.pipe()
        defer { close(output.write) }
        do throws(HostError) {
            let errors = merged ? output : try Self.pipe()
            defer { if !merged { close(errors.write) } }
            streams = [(output.read, false)] + (merged ? [] : [(errors.read, true)])
            child = try SpawnedProcess(command, descriptors: (input, output.write, errors.write), group: .own)
        } catch {
            if streams.isEmpty { close(output.read) }
            for stream in streams { close(stream.descriptor) }
            throw error
        }
        termAt = .now
    }

    mutating func run(within limit: Duration, _ take: ([UInt8], _ isError: Bool) -> Void) -> CommandResult {
        termAt = .now + limit
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while !streams.isEmpty {
            var pollers = streams.map { pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0) }
            _ = poll(&pollers, nfds_t(pollers.count), 50)
            for (index, poller) in pollers.enumerated().reversed() where poller.revents != 0 {
                let count = read(poller.fd, &buffer, buffer.count)
                if count > 0 {
                    take(Array(buffer[..<count]), streams[index].isError)
                } else if count == 0 || errno != EINTR {
                    close(poller.fd)
                    streams.remove(at: index)
                }
            }
            if enforce() { break }
        }
        finish()
        return result
    }

    /// - Returns: whether reading is over although somebody still holds a pipe.
    private mutating func enforce() -> Bool {
        noteExit()
        if let exited { return ContinuousClock.now >= exited + Self.afterExit }
        if killAt == nil, ContinuousClock.now >= termAt {
            result.timedOut = true
            kill(-child.pid, SIGTERM)
            killAt = .now + Self.grace
        } else if let killAt, ContinuousClock.now >= killAt {
            kill(-child.pid, SIGKILL)
        }
        return false
    }

    private mutating func noteExit() {
        guard exited == nil, let ended = child.wait(blocking: false) else { return }
        exited = .now
        result.status = ended.status
        result.signal = ended.signal
    }

    /// The pipes are closed, or given up: waits for the process, and leaves nothing of its group.
    private mutating func finish() {
        while exited == nil {
            _ = enforce()
            if exited == nil { usleep(1000) }
        }
        kill(-child.pid, SIGKILL)
        for stream in streams { close(stream.descriptor) }
    }

    private static func pipe() throws(HostError) -> (read: Int32, write: Int32) {
        var ends: [Int32] = [0, 0]
        guard pipe2(&ends, O_CLOEXEC) == 0 else {
            throw .spawn(program: "a program", code: errno, message: "\(Errno(rawValue: errno))")
        }
        return (ends[0], ends[1])
    }

    /// The input is a file without a name: it needs no feeding, whatever its size.
    private static func input(_ bytes: [UInt8]?) throws(HostError) -> Int32 {
        guard let bytes else { return open("/dev/null", O_RDONLY | O_CLOEXEC) }
        let file = memfd_create("input", 1)  // MFD_CLOEXEC
        guard file >= 0 else { throw .file(path: "memfd", message: "\(Errno(rawValue: errno))") }
        let descriptor = FileDescriptor(rawValue: file)
        do {
            try descriptor.writeAll(bytes)
            _ = try descriptor.seek(offset: 0, from: .start)
        } catch {
            close(file)
            throw .file(path: "memfd", message: "\(error)")
        }
        return file
    }
}

/// The beginning of a stream.
struct BoundedBytes {
    let limit: Int
    private(set) var bytes: [UInt8] = []

    init(limit: Int) { self.limit = limit }

    mutating func append(_ more: [UInt8]) { bytes.append(contentsOf: more.prefix(max(0, limit - bytes.count))) }
}

/// Cuts a stream into lines for people: at newlines and carriage returns, and every 4,096 bytes; colours are dropped,
/// every other control character is made visible.
struct LineSplitter {
    static let limit = 4096
    private var rest: [UInt8] = []
    /// Whether a return has just ended a line that had a text.
    private var returned = false

    mutating func append(_ bytes: [UInt8]) -> [String] {
        var lines: [String] = []
        for byte in bytes {
            switch byte {
            case UInt8(ascii: "\r"):
                // A progress bar's returns would make empty lines.
                guard !rest.isEmpty else { continue }
                lines.append(take(rest.count))
                returned = true
            case UInt8(ascii: "\n"):
                // The newline of CRLF would make one more.
                if !returned || !rest.isEmpty { lines.append(take(rest.count)) }
                returned = false
            default:
                returned = false
                rest.append(byte)
                if rest.count >= Self.limit { lines.append(take(wholeCharacters)) }
            }
        }
        return lines
    }

    private mutating func take(_ count: Int) -> String {
        defer { rest.removeFirst(count) }
        return shown(Array(rest[..<count]))
    }

    /// How many bytes there are up to a character that has only begun (RFC 3629 §3).
    private var wholeCharacters: Int {
        guard let lead = rest.indices.suffix(4).last(where: { rest[$0] & 0xc0 != 0x80 }), lead > 0 else {
            return rest.count
        }
        let length = rest[lead] >= 0xf0 ? 4 : rest[lead] >= 0xe0 ? 3 : rest[lead] >= 0xc0 ? 2 : 1
        return lead + length > rest.count ? lead : rest.count
    }

    mutating func end() -> String? {
        defer { rest = [] }
        return rest.isEmpty ? nil : shown(rest)
    }

    private func shown(_ bytes: [UInt8]) -> String {
        var kept: [UInt8] = []
        var index = 0
        while index < bytes.count {
            if bytes[index] == 0x1b, let end = Self.endOfColour(bytes, index) {
                index = end
            } else {
                kept.append(bytes[index])
                index += 1
            }
        }
        return String(decoding: kept, as: UTF8.self).shown()
    }

    /// The index behind `ESC [ digits ; … m` (ECMA-48 §8.3.117, SGR), where there is one.
    private static func endOfColour(_ bytes: [UInt8], _ start: Int) -> Int? {
        guard start + 1 < bytes.count, bytes[start + 1] == UInt8(ascii: "[") else { return nil }
        var index = start + 2
        while index < bytes.count, (0x30...0x3b).contains(bytes[index]) { index += 1 }
        return index < bytes.count && bytes[index] == UInt8(ascii: "m") ? index + 1 : nil
    }
}
