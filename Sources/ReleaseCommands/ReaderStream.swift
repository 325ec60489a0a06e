import Glibc

/// An output whose reader may go away, or stop reading. Writing gives up then, instead of blocking for ever.
struct ReaderStream {
    /// How long one that is still there may read nothing, and how often it is looked for meanwhile, in milliseconds.
    private static let patience: Int32 = 60_000
    private static let interval: Int32 = 200

    let descriptor: Int32
    private let watch: ReaderWatch

    /// Standard error as git carries it to a pusher.
    static func pusher() -> ReaderStream { ReaderStream(descriptor: STDERR_FILENO, watch: .pusher()) }

    /// One of a command's own outputs.
    static func own(_ descriptor: Int32) -> ReaderStream {
        ReaderStream(descriptor: descriptor, watch: .own(descriptor))
    }

    /// Whether nobody reads any more.
    var isGone: Bool { watch.isGone }

    /// Writes all of a text.
    ///
    /// - Returns: false where nobody reads it.
    func write(_ text: String) -> Bool {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            guard waitForRoom() else { return false }
            // A pipe that polls as writable takes PIPE_BUF bytes without blocking (pipe(7)).
            let count = bytes.prefix(4096).withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return false }
            bytes = bytes.dropFirst(count)
        }
        return true
    }

    private func waitForRoom() -> Bool {
        var waited: Int32 = 0
        while waited < Self.patience {
            if isGone { return false }
            var poller = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
            let ready = poll(&poller, 1, Self.interval)
            if ready > 0 { return true }
            if ready == 0 { waited += Self.interval }
        }
        return false
    }
}
