import Glibc
import HostControl
import ReleaseModel
import ReleaseStore

/// Watches the instances of a candidate until each is healthy or one is not.
struct CandidateCheck {
    /// How long a worker must stay up to count as started.
    static let workerStaysUp = Duration.seconds(2)
    /// How often a process's state is looked at.
    static let interval = Duration.milliseconds(100)
    /// How long one answer may take.
    static let answerLimit = Duration.seconds(5)

    let host: AppHost
    let manifest: Manifest

    /// What was seen of a healthy service, for the log.
    struct Passed: Sendable {
        let service: ServiceName
        let text: String
    }

    /// Checks all services side by side.
    ///
    /// - Throws: `DeployError.unhealthy` for the first instance that fails.
    func run(_ placements: [Placement]) async throws -> [Passed] {
        try await withThrowingTaskGroup(of: Passed.self) { group in
            for placement in placements {
                for number in placement.instances.indices {
                    group.addTask { try await check(placement, number) }
                }
            }
            var passed: [Passed] = []
            for try await one in group where !passed.contains(where: { $0.service == one.service }) {
                passed.append(one)
            }
            return passed.sorted { $0.service < $1.service }
        }
    }

    /// Checks what was just started, and of what was carried over that which can be asked: a worker that runs already
    /// has nothing to prove.
    @discardableResult
    func run(fresh placements: [Placement]) async throws -> [Passed] {
        try await run(placements.filter { !$0.isCarried || $0.service.listen != .none })
    }

    private func check(_ placement: Placement, _ number: Int) async throws -> Passed {
        guard let check = placement.service.health, placement.service.listen != .none else {
            return try await staysUp(placement, number)
        }
        let endpoint = placement.endpoints[number]
        var gate = HealthGate(check: check)
        let deadline = ContinuousClock.now + check.within.duration
        let probe = HealthProbe(runner: host.runner)
        while ContinuousClock.now < deadline {
            let status = try await host.supervisor.status(placement.instances[number])
            if case .failed(let problem) = gate.saw(status) {
                throw failure(placement, number, gate, problem)
            }
            let left = deadline - ContinuousClock.now
            let answer = await probe.ask(
                endpoint, path: check.path, host: domain(of: placement.service).text,
                within: min(left, Self.answerLimit))
            switch answer {
            case .answered(let status, let body, let time):
                guard gate.saw(status: status, body: String(decoding: body, as: UTF8.self)) == .healthy else { break }
                // The run script does so, too, after each start, but not in the same moment.
                if case .socket(let path) = endpoint { Self.open(socket: path) }
                if let stranger = try await stranger(placement, number) {
                    _ = gate.saw(refusal: "is answered by another process: \(stranger)")
                    break
                }
                return Passed(
                    service: placement.service.name,
                    text: "\(placement.service.name) GET \(check.path) \(status) in \(time.shown)")
            case .refused(let problem):
                _ = gate.saw(refusal: problem)
            }
            if gate.passesInARow == 0 { try await Task.sleep(for: Self.interval) }
        }
        throw failure(placement, number, gate, gate.expired)
    }

    /// Who else may answer on the instance's port.
    private func stranger(_ placement: Placement, _ number: Int) async throws -> String? {
        guard case .port(let port) = placement.endpoints[number] else { return nil }
        let leader = try await host.supervisor.status(placement.instances[number]).pid
        return ListeningSockets.stranger(onPort: port, besides: leader)
    }

    /// Lets nginx's workers, who are another user, connect to a socket. The service may put what it likes in its place: no
    /// link is followed, and nothing but a socket is changed.
    static func open(socket path: String) {
        let pathOnly: Int32 = 0o10_000_000  // O_PATH (open(2); hidden behind a feature macro)
        let descriptor = Glibc.open(path, pathOnly | O_NOFOLLOW | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK else { return }
        chmod("/proc/self/fd/\(descriptor)", 0o666)
    }

    private func staysUp(_ placement: Placement, _ number: Int) async throws -> Passed {
        let limit = placement.service.health?.within.duration ?? .seconds(30)
        var gate = HealthGate(check: HealthCheck(path: "/"))
        let deadline = ContinuousClock.now + limit
        var since: (process: Int32, time: ContinuousClock.Instant)?
        while ContinuousClock.now < deadline {
            let status = try await host.supervisor.status(placement.instances[number])
            if case .failed(let problem) = gate.saw(status) {
                throw failure(placement, number, gate, problem)
            }
            if let process = status.pid {
                if since?.process != process { since = (process, .now) }
                if let since, ContinuousClock.now - since.time >= Self.workerStaysUp {
                    return Passed(service: placement.service.name, text: "\(placement.service.name) up")
                }
            }
            try await Task.sleep(for: Self.interval)
        }
        throw failure(placement, number, gate, gate.expired(worker: Self.workerStaysUp))
    }

    /// The domain under which users reach the service, for the `Host` header.
    func domain(of service: Service) -> Domain {
        let site = manifest.sites.first { $0.routes.contains { $0.service == service.name } } ?? manifest.sites.first
        return site?.domain ?? host.settings.domain
    }

    private func failure(_ placement: Placement, _ number: Int, _ gate: HealthGate, _ problem: String) -> DeployError {
        var failure = HealthFailure(service: placement.service.name, instance: number, problem: problem)
        failure.answer = gate.lastAnswer
        if let check = placement.service.health, !placement.endpoints.isEmpty {
            failure.request = gate.exits >= HealthGate.exitsAllowed ? nil : "GET \(check.path)"
            failure.address = placement.endpoints[number].address
        }
        return .unhealthy(failure)
    }
}
