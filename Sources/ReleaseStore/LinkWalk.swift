import Dispatch
import Synchronization
import SystemPackage

/// Goes through the files of an index, in some trees that have them, with a thread for each core.
enum LinkWalk {
    /// So many at a time, most of them in the same directories.
    private static let slice = 1024

    /// Calls the body for each file, on any thread.
    ///
    /// - Parameters:
    ///   - trees: each slice of files has them opened for itself.
    ///   - making: whether directories are made in the last of them.
    /// - Returns: what the body returns, in the order of the files.
    static func run<Value: Sendable>(
        _ files: [IndexedFile], in trees: [FilePath], making: Bool = false,
        _ body: @Sendable (_ number: Int, _ parents: [TreeParents]) throws(StoreError) -> Value
    ) throws(StoreError) -> [Value] {
        let count = (files.count + slice - 1) / slice
        let done = Mutex<(values: [[Value]], error: StoreError?)>((Array(repeating: [], count: count), nil))
        DispatchQueue.concurrentPerform(iterations: count) { number in
            guard done.withLock({ $0.error == nil }) else { return }
            do throws(StoreError) {
                var parents: [TreeParents] = []
                for (place, tree) in trees.enumerated() {
                    parents.append(try TreeParents(of: tree, making: making && place == trees.count - 1))
                }
                var values: [Value] = []
                for file in number * slice..<min((number + 1) * slice, files.count) {
                    values.append(try body(file, parents))
                }
                done.withLock { [values] in $0.values[number] = values }
            } catch {
                done.withLock { $0.error = $0.error ?? error }
            }
        }
        let (values, error) = done.withLock { $0 }
        if let error { throw error }
        return values.flatMap(\.self)
    }
}
