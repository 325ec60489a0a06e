import Glibc
import SystemPackage

/// What a step's outputs must keep to, so that they are as good in another release as in the one they were made in.
struct OutputRules {
    /// Where the step found the release.
    let build: FilePath

    /// A link may lead elsewhere on the host, but not to the build's own path, and no relative one out of the release;
    /// an output that is a link itself must stay in the release.
    ///
    /// - Parameter depth: how many directories of the release the link lies in.
    func check(link target: FilePath, at path: FilePath, depth: Int, isOutput: Bool) throws(StoreError) {
        let isOut = target.isAbsolute ? isOutput || target.starts(with: build) : leaves(target, from: depth)
        guard !isOut else { throw .stepOutput(path: path.string, fault: .leadsOut(target: target.string)) }
    }

    /// A script whose interpreter is under the build's path would not start: a virtual environment's, say.
    func check(file descriptor: Int32, mode: mode_t, at path: FilePath) throws(StoreError) {
        guard mode & 0o111 != 0 else { return }
        var head = [UInt8](repeating: 0, count: 512)
        let count = try checked("read", path) {
            head.withUnsafeMutableBytes { Int32(pread(descriptor, $0.baseAddress, $0.count, 0)) }
        }
        let line = head[..<Int(count)].prefix { $0 != UInt8(ascii: "\n") }
        guard line.starts(with: "#!".utf8) else { return }
        if String(decoding: line, as: UTF8.self).contains(build.string + "/") {
            throw .stepOutput(path: path.string, fault: .startsInBuild)
        }
    }

    private func leaves(_ target: FilePath, from depth: Int) -> Bool {
        var depth = depth
        for part in target.components {
            switch part.kind {
            case .parentDirectory: depth -= 1
            case .currentDirectory: continue
            default: depth += 1
            }
            if depth < 0 { return true }
        }
        return false
    }
}
