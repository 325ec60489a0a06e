import Glibc
import ReleaseModel
import SystemPackage

/// What stands in a release at the paths that a step makes; no link is followed.
struct StepOutputs {
    let release: FilePath

    init(_ release: FilePath) { self.release = release }

    /// What the patterns name, none of it inside another.
    ///
    /// - Throws: `stepOutput` where one names nothing.
    func paths(_ patterns: [PathPattern]) throws(StoreError) -> [ReleasePath] {
        for pattern in patterns where try existing([pattern]).isEmpty {
            throw .stepOutput(path: pattern.text, fault: .missing)
        }
        return try existing(patterns)
    }

    /// The same; nothing is missed.
    func existing(_ patterns: [PathPattern]) throws(StoreError) -> [ReleasePath] {
        var all: Set<ReleasePath> = []
        for pattern in patterns { all.formUnion(try find(pattern)) }
        let isInside = { (path: ReleasePath) in
            path.text.utf8.indices.contains { index in
                path.text.utf8[index] == UInt8(ascii: "/")
                    && (try? ReleasePath(String(path.text[..<index]))).map(all.contains) == true
            }
        }
        return all.filter { !isInside($0) }.sorted()
    }

    private func find(_ pattern: PathPattern) throws(StoreError) -> [ReleasePath] {
        var found: [String] = [""]
        for (index, part) in pattern.parts.enumerated() {
            let isLast = index == pattern.parts.count - 1
            var below: [String] = []
            for path in found {
                let directory = path.isEmpty ? release : release.appending(path)
                for name in part.hasStar ? try names(in: directory, part, at: path) : [part.text] {
                    guard let status = directory.appending(name).status(following: false) else { continue }
                    let place = path.isEmpty ? name : "\(path)/\(name)"
                    if !isLast, status.isLink, !part.hasStar {
                        throw .stepOutput(path: place, fault: .behindLink)
                    }
                    if isLast || status.isDirectory { below.append(place) }
                }
            }
            found = below
        }
        return try found.map { (text) throws(StoreError) in
            do { return try ReleasePath(text) } catch { throw .stepOutput(path: text, fault: .oddName) }
        }
    }

    private func names(in directory: FilePath, _ part: PathPattern.Part, at path: String) throws(StoreError) -> [String]
    {
        var names: [String] = []
        guard directory.isRealDirectory else { return [] }
        try Directory(opening: directory).forEachEntry { (name, _) throws(StoreError) in
            let bytes = Array(UnsafeRawBufferPointer(start: name, count: strlen(name)))
            guard part.matches(bytes) else { return }
            guard let text = String(validatingCString: name) else {
                throw .stepOutput(path: "\(path)/\(String(cString: name))", fault: .oddName)
            }
            names.append(text)
        }
        return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    /// Copies one output from a tree to the same path of another; the directories above it are made.
    static func copy(
        _ path: ReleasePath, from source: FilePath, to target: FilePath, _ copy: inout TreeCopy
    ) throws(StoreError) {
        var from = try Directory(opening: source, following: false)
        var to = try Directory(opening: target, following: false)
        let names = path.components.map { FilePath($0) }
        for name in names.dropLast() {
            from = try Directory(opening: name, in: from)
            _ = try to.makeDirectory(name)
            to = try Directory(opening: name, in: to)
        }
        guard let last = names.last else { return }
        try copy.copy(last, at: FilePath(path.text), from: from, to: to)
    }
}
