import Glibc
import ReleaseModel
import ReleaseStore
import SystemPackage
import Testing

struct SlotStoreTests {
    private let api: ServiceName
    private let one: SlotNumber
    private let two: SlotNumber

    init() throws {
        api = try ServiceName("api")
        one = try #require(SlotNumber(1))
        two = try #require(SlotNumber(2))
    }

    @Test func `a slot is given, warm, and taken back`() throws {
        try withApp { (app) throws in
            let slots = SlotStore(app)
            _ = try slots.ensure(Service(name: api, command: "true"))
            let old = try ReleaseStore(app).make(ReleaseID(commit: commit("a"), build: 2), deploy: 1)
            let new = try ReleaseStore(app).make(ReleaseID(commit: commit("b")), deploy: 2)
            #expect(slots.occupied().isEmpty && slots.occupant(api, one) == nil)
            try slots.occupy(one, by: old, service: api)
            try slots.setWarmUntil(api, one, 1_700_000_000.25)
            #expect(slots.warmUntil(api, one) == 1_700_000_000.25)
            try slots.occupy(one, by: old, service: api)
            #expect(slots.warmUntil(api, one) != nil, "it is the same release")
            try slots.occupy(one, by: new, service: api)
            #expect(slots.warmUntil(api, one) == nil)
            try slots.occupy(two, by: old, service: api)
            #expect(slots.occupied().map(\.release) == [new, old])
            #expect(try linkTarget(of: app.slot(api, two).release) == "../../../releases/\(old)")
            #expect(exists(app.slot(api, two).release.appending("index.html")))
            try slots.occupy(two, by: nil, service: api)
            #expect(slots.occupied().map(\.slot) == [one])
        }
    }

    @Test func `a release is where its link leads, as long as the slot is its own`() throws {
        try withApp { (app) throws in
            let slots = SlotStore(app)
            _ = try slots.ensure(Service(name: api, command: "true"))
            let old = try ReleaseStore(app).make(ReleaseID(commit: commit("a")), deploy: 1)
            let new = try ReleaseStore(app).make(ReleaseID(commit: commit("b")), deploy: 2)
            #expect(slots.slot(of: api, in: old) == nil)
            try slots.occupy(one, by: old, service: api)
            try slots.occupy(two, by: old, service: api)
            #expect(slots.slot(of: api, in: old) == one)
            try slots.link(old, api, to: two)
            #expect(slots.slot(of: api, in: old) == two)
            #expect(try linkTarget(of: app.release(old).upstream(api)) == "\(app.root)/slots/api/2")
            try slots.occupy(two, by: new, service: api)
            #expect(slots.slot(of: api, in: old) == one)
            try slots.occupy(one, by: nil, service: api)
            #expect(slots.slot(of: api, in: old) == nil, "retired, though its link still leads to the slot")
        }
    }

    @Test func `a worker has slots and no endpoints`() throws {
        try withApp { (app) throws in
            let service = Service(name: api, command: "true", instances: 2)
            #expect(try SlotStore(app).ensure(service))
            #expect(try !SlotStore(app).ensure(service))
            #expect(try SlotStore(app).endpoints(service, one).isEmpty)
            #expect(mode(of: app.slot(api, one).root) == 0o755)
            #expect(mode(of: app.slot(api, one).root.removingLastComponent()) == 0o711)
        }
    }

    @Test func `a socket service has a path for each instance`() throws {
        try withApp { (app) throws in
            let service = Service(name: api, command: "true", instances: 2, listen: .socket)
            #expect(try SlotStore(app).ensure(service))
            let root = app.slot(api, two).root
            let sockets: [Endpoint] = [.socket("\(root)/run/1.sock"), .socket("\(root)/run/2.sock")]
            #expect(try SlotStore(app).endpoints(service, two) == sockets)
        }
    }

    @Test func `a socket's path that the system would cut is refused before anything is made`() throws {
        try withDirectory { (directory) throws in
            let home = directory.appending(String(repeating: "h", count: 60))
            let app = try makeApp("shop", home: home)
            let name = try ServiceName("api-with-a-name")
            let service = Service(name: name, command: "true", instances: 10, listen: .socket)
            let error = #expect(throws: StoreError.self) { try SlotStore(app).ensure(service) }
            #expect(error?.description.contains("107 is the most") == true)
            #expect(error?.hint?.contains("PMO_HOME=") == true)
            #expect(try names(in: app.slots).isEmpty)
        }
    }
}
