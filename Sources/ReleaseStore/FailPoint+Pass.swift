public import FailPoints
public import SystemPackage

extension FailPoint {
    /// Passes the point.
    ///
    /// - Throws: what a system call on the path would, where the plan says so.
    public func pass(_ action: String, _ path: @autoclosure () -> FilePath) throws(StoreError) {
        let code = FailPoints.pass(self)
        guard code == 0 else { throw .system(action: action, path: path(), code: code) }
    }
}
