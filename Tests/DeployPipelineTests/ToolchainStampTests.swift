import Foundation
import Testing

@testable import DeployPipeline

@Suite("The stamp of a host's tools")
struct ToolchainStampTests {
    @Test("stays while a program does, and changes with it and with the place where it is found first")
    func follows() throws {
        let root = FileManager.default.temporaryDirectory.appendingPathComponent("stamp-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: root) }
        func install(_ text: String, in directory: String) throws -> String {
            let place = root.appendingPathComponent(directory)
            try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
            let node = place.appendingPathComponent("node")
            try Data(text.utf8).write(to: node)
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: node.path)
            return place.path
        }
        let one = try install("#!/bin/sh\n", in: "one")
        let first = ToolchainStamp(path: one).text
        #expect(first.contains("\(one)/node 10 "))
        #expect(ToolchainStamp(path: one).text == first)
        #expect(ToolchainStamp(path: "\(one):/nowhere").text == first)
        let two = try install("#!/bin/sh\n", in: "two")
        #expect(ToolchainStamp(path: "\(two):\(one)").text != first)
        _ = try install("#!/bin/bash\n", in: "one")
        #expect(ToolchainStamp(path: one).text != first)
        let line = "env X=\(two)/node --version; cat"
        let named = ToolchainStamp(path: one, named: line).text
        #expect(named.contains("\(two)/node 10 "), "a program named by its path")
        _ = try install("#!/bin/bash\n", in: "two")
        #expect(ToolchainStamp(path: one, named: line).text != named)
    }
}
