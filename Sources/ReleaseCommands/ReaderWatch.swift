import Glibc

/// Whether anybody can still read what this process writes. Neither a signal nor an error tells a follower that has
/// nothing to write just now; the state of the pipe, socket or terminal does.
struct ReaderWatch {
    private let descriptors: [Int32]
    private let parent = getppid()
    private let isHook: Bool

    /// The reader of one of this process's own descriptors.
    static func own(_ descriptor: Int32) -> ReaderWatch { ReaderWatch(descriptors: [descriptor], isHook: false) }

    /// The pusher for whom git runs this hook: behind our own outputs, and behind `receive-pack`'s.
    static func pusher() -> ReaderWatch { ReaderWatch(descriptors: [STDOUT_FILENO, STDERR_FILENO], isHook: true) }

    /// Whether nobody reads any more.
    var isGone: Bool {
        descriptors.contains(where: Self.hasNoReader) || isHook && (getppid() != parent || isBehindGone)
    }

    /// `receive-pack` lives on when its pusher is gone, and keeps our pipes open: what it reads from us it has to write
    /// into its own output. That can be looked at where it is a pipe, as sshd and a local git make it.
    private var isBehindGone: Bool {
        let behind = open("/proc/\(parent)/fd/1", O_WRONLY | O_NONBLOCK | O_CLOEXEC)
        guard behind >= 0 else { return false }
        defer { close(behind) }
        return Self.hasNoReader(behind)
    }

    private static func hasNoReader(_ descriptor: Int32) -> Bool {
        var poller = pollfd(fd: descriptor, events: 0, revents: 0)
        return poll(&poller, 1, 0) > 0 && poller.revents & Int16(POLLERR | POLLHUP | POLLNVAL) != 0
    }
}
