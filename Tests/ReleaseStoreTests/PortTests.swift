import Glibc
import ReleaseModel
import SystemPackage
import Testing

@testable import ReleaseStore

struct PortTests {
    @Test func `every slot gets a port of its own for each instance`() throws {
        try withApp { (app) throws in
            let service = try api(instances: 2)
            #expect(try SlotStore(app).ensure(service))
            let ports = try allPorts(app, service)
            #expect(ports.count == 6 && Set(ports).count == 6)
            #expect(ports.allSatisfy(PortAllocation.range.contains))
            #expect(try !SlotStore(app).ensure(service))
            #expect(try allPorts(app, service) == ports)
        }
    }

    @Test func `ports stay when a service shrinks, and are added when it grows`() throws {
        try withApp { (app) throws in
            let slots = SlotStore(app)
            let slot = SlotNumber.allCases[0]
            _ = try slots.ensure(try api(instances: 2))
            let before = try slots.endpoints(try api(instances: 2), slot)
            #expect(try !slots.ensure(try api(instances: 1)))
            #expect(try slots.endpoints(try api(instances: 1), slot) == [before[0]])
            #expect(try slots.reservedEndpoints(try api(instances: 1), slot) == before)
            #expect(throws: StoreError.self) { try slots.endpoints(try api(instances: 3), slot) }
            #expect(try slots.ensure(try api(instances: 3)))
            #expect(try Array(slots.endpoints(try api(instances: 3), slot).prefix(2)) == before)
        }
    }

    @Test func `a port on which somebody listens is not taken, on any address`() throws {
        try withApp { (app) throws in
            let first = try PortAllocation(app).take(3, for: try ServiceName("api"))
            for (port, address) in zip(first, [UInt32(0x7f00_0001), 0, 0x7f00_0001]) {
                #expect(PortAllocation.isFree(port))
                let descriptor = try listen(on: port, address: address)
                defer { close(descriptor) }
                #expect(!PortAllocation.isFree(port))
                #expect(try !PortAllocation(app).take(10, for: try ServiceName("api")).contains(port))
            }
        }
    }

    @Test func `apps and services set up at once have no port in common (A27)`() async throws {
        try await withDirectory { (home) async throws in
            let apps = try (1...8).map { try makeApp("app\($0)", home: home) }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for app in apps {
                    for name in ["api", "Web_2"] {
                        group.addTask { _ = try SlotStore(app).ensure(try api(name, instances: 3)) }
                    }
                }
                try await group.waitForAll()
            }
            let ports = try apps.flatMap {
                try allPorts($0, try api(instances: 3)) + allPorts($0, try api("Web_2", instances: 3))
            }
            #expect(ports.count == 144 && Set(ports).count == 144)
        }
    }

    @Test func `an app whose notes were lost begins where it began before`() throws {
        try withApp { (app) throws in
            _ = try SlotStore(app).ensure(try api(instances: 2))
            let before = try allPorts(app, try api(instances: 2))
            _ = try run("rm", "-rf", app.slots.string)
            _ = try SlotStore(app).ensure(try api(instances: 2))
            #expect(try allPorts(app, try api(instances: 2)) == before)
        }
    }

    @Test func `ports that a hand has spoilt are an error, not overwritten`() throws {
        try withApp { (app) throws in
            _ = try SlotStore(app).ensure(try api(instances: 1))
            let path = app.slot(try ServiceName("api"), SlotNumber.allCases[1]).ports
            try write("20001; } server {\n", to: path)
            let error = #expect(throws: StoreError.self) { try SlotStore(app).ensure(try api(instances: 2)) }
            #expect(error?.description == "\(path) says “20001; } server {” where a port should be")
            #expect(try text(of: path) == "20001; } server {\n")
        }
    }

    private func listen(on port: Int, address: UInt32) throws -> Int32 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_port = in_port_t(port).bigEndian
        name.sin_addr.s_addr = address.bigEndian
        let bound = withUnsafePointer(to: &name) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        try #require(bound == 0 && Glibc.listen(descriptor, 5) == 0)
        return descriptor
    }
}

private func api(_ name: String = "api", instances: Int) throws -> Service {
    Service(name: try ServiceName(name), command: "true", instances: instances, listen: .port)
}

private func allPorts(_ app: AppLayout, _ service: Service) throws -> [Int] {
    try SlotNumber.allCases.flatMap { slot in
        try SlotStore(app).endpoints(service, slot).compactMap { if case .port(let port) = $0 { port } else { nil } }
    }
}
