import DeployPipeline
import Glibc
import HostControl
import ReleaseModel
import ReleaseStore
import SystemPackage

/// Shows a deploy's log from its first line to its end. It only reads: the deploy does not notice whether anybody
/// follows, or how slowly.
struct DeployFollower {
    /// How often the log and the ledger are looked at.
    static let interval = Duration.milliseconds(10)

    let host: AppHost
    let ledger: Ledger

    /// Follows until the deploy ends, or its reader is gone, which ends the following and not the deploy.
    ///
    /// - Returns: the deploy as last seen; final unless the reader is gone.
    func follow(_ number: Int, to reader: ReaderStream) async throws -> Deploy {
        var offset: Int64 = 0
        while true {
            let deploy = try ledger.deploy(number)
            guard show(number, &offset, reader) else { return try deploy ?? missing(number) }
            guard let deploy else { return try missing(number) }
            if deploy.state.isFinal {
                try await waitForLastLines(deploy)
                _ = show(number, &offset, reader)
                return deploy
            }
            if reader.isGone { return deploy }
            if try await recovered(deploy) { continue }
            try await Task.sleep(for: Self.interval)
        }
    }

    /// The end is recorded before it is told.
    private func waitForLastLines(_ deploy: Deploy) async throws {
        let deadline = ContinuousClock.now + .seconds(5)
        while !DeployLog.isFinished(host.layout, deploy: deploy.number), deploy.process?.isAlive == true,
            ContinuousClock.now < deadline
        { try await Task.sleep(for: Self.interval) }
    }

    private func missing(_ number: Int) throws -> Deploy { throw SelectionError.noSuchDeploy(number, host.layout.name) }

    private func show(_ number: Int, _ offset: inout Int64, _ reader: ReaderStream) -> Bool {
        guard let file = try? FileDescriptor.open(host.layout.deployLog(number), .readOnly, options: .closeOnExec)
        else {
            return true
        }
        defer { try? file.close() }
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count =
                (try? buffer.withUnsafeMutableBytes { try file.read(fromAbsoluteOffset: offset, into: $0) }) ?? 0
            // Whole lines only, so that a character is never cut in two.
            guard let end = buffer[..<count].lastIndex(of: UInt8(ascii: "\n")) else { return true }
            offset += Int64(end + 1)
            guard reader.write(String(decoding: buffer[...end], as: UTF8.self)) else { return false }
        }
    }

    /// A deploy whose process is gone is brought to an end by whoever notices first.
    private func recovered(_ deploy: Deploy) async throws -> Bool {
        guard host.layout.isOrphaned(deploy),
            let lock = try AppLock.tryAcquire(host.layout, holding: "recover")
        else { return false }
        defer { lock.release() }
        return try await !Recovery(host, ledger).run().isEmpty
    }
}
