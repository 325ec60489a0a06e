import Glibc
import ReleaseModel
import ReleaseStore
import SystemPackage
import Testing

struct EnvironmentStoreTests {
    @Test func `values of any text come back as they were set (A24)`() throws {
        try withApp { (app) throws in
            let store = EnvironmentStore(app)
            #expect(try store.values().isEmpty)
            let texts = [
                "", " ", "'", "\"", "a'b\"c\\", "line\nline\r\n", "$HOME `id` $(id)", "é ü 𝄞 \u{202e} \u{0}".dropNUL,
                "a=b", "\u{1b}[31m\t", String(repeating: "x", count: 100_000), "/slashes/", "{{mustache}}",
            ]
            var wanted: [EnvironmentKey: String] = [:]
            for (number, text) in texts.enumerated() { wanted[try EnvironmentKey("KEY_\(number)")] = text }
            try store.update { $0 = wanted }
            #expect(try store.values() == wanted)
            #expect(mode(of: app.environmentFile) == 0o600)
            #expect(mode(of: app.environmentFile.removingLastComponent()) == 0o700)
            try store.update { $0[wanted.keys.sorted()[0]] = nil }
            #expect(try store.values().count == texts.count - 1)
        }
    }

    @Test(arguments: [
        ("TOKEN", "a\u{0}b", "NUL"), ("TOKEN", String(repeating: "x", count: 131_066), "131,072 bytes"),
        ("PORT", "80", "itself"), ("PMO_COMMIT", "x", "itself"),
    ])
    func `a value that no program could be given is refused, and the others stay`(
        name: String, value: String, problem: String
    ) throws {
        try withApp { (app) throws in
            let store = EnvironmentStore(app)
            let old = try EnvironmentKey("OLD")
            let key = try EnvironmentKey(name)
            try store.update { $0[old] = "1" }
            let error = #expect(throws: StoreError.self) { try store.update { $0[key] = value } }
            #expect(error?.description.contains(problem) == true)
            #expect(error?.description.contains("xxx") == false, "the value is not told")
            #expect(try store.values() == [old: "1"])
        }
    }

    @Test func `a value of the greatest length can be given to a program`() throws {
        try withApp { (app) throws in
            let key = try EnvironmentKey("TOKEN")
            let value = String(repeating: "x", count: 131_065)
            try EnvironmentStore(app).update { $0[key] = value }
            #expect(try run("env", "TOKEN=\(value)", "true") == 0)
            #expect(throws: (any Error).self) { try run("env", "TOKEN=\(value)x", "true") }
        }
    }

    @Test func `values that are too many together are refused, but may become fewer`() throws {
        try withApp { (app) throws in
            let store = EnvironmentStore(app)
            let keys = try (0..<11).map { try EnvironmentKey("KEY_\($0)") }
            let value = String(repeating: "x", count: 100_000)
            try store.update { for key in keys.dropLast() { $0[key] = value } }
            let error = #expect(throws: StoreError.self) { try store.update { $0[keys[10]] = value } }
            #expect(error?.description.contains("1,048,576 is the most") == true)
            try store.update { $0[keys[0]] = nil }
            #expect(try store.values().count == 9)
        }
    }

    @Test func `changes at once are all kept`() async throws {
        try await withApp { (app) async throws in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<30 {
                    group.addTask {
                        let key = try EnvironmentKey("KEY_\(number)")
                        try EnvironmentStore(app).update { $0[key] = "\(number)" }
                    }
                }
                try await group.waitForAll()
            }
            #expect(try EnvironmentStore(app).values().count == 30)
            #expect(try names(in: app.environmentFile.removingLastComponent()) == ["lock", "values"])
        }
    }

    @Test func `a file that cannot be read is an error that tells no value (A40)`() throws {
        try withApp { (app) throws in
            for text in [#"{"TOKEN": "hunter2"#, #"{"TOKEN": 5, "B": "hunter2"}"#, #"{"not a key": "hunter2"}"#] {
                try write(text, to: app.environmentFile)
                let error = #expect(throws: StoreError.self) { try EnvironmentStore(app).values() }
                #expect(error?.description.contains("hunter2") == false)
                #expect(error?.description.contains(app.environmentFile.string) == true)
                #expect(throws: StoreError.self) { try EnvironmentStore(app).update { $0 = [:] } }
            }
        }
    }
}

extension String {
    fileprivate var dropNUL: String { filter { $0 != "\u{0}" } }
}
