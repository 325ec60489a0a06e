import SystemPackage

extension StepStore {
    /// Removes entries until the rest takes no more than the budget, the least recently used first.
    ///
    /// - Returns: what was removed.
    @discardableResult
    public func trim(to budget: Int) throws(StoreError) -> [StepRecord] {
        let records = try records()
        var total = records.reduce(0) { $0 + $1.weight }
        var removed: [StepRecord] = []
        for record in records.reversed() where total > budget {
            try remove(record.key)
            total -= record.weight
            removed.append(record)
        }
        return removed
    }

    /// Removes everything.
    ///
    /// - Returns: what was removed.
    public func clear() throws(StoreError) -> [StepRecord] {
        let all = try records()
        for key in try keys() { try remove(key) }
        try sweep()
        return all
    }

    /// Removes what killed deploys left, and entries that cannot be read.
    public func sweep() throws(StoreError) {
        for name in try app.steps.namesInside(startingWith: ".") where TemporaryName.isLeftover(name) {
            try TreeRemoval.remove(app.steps.appending(name))
        }
        for key in try keys() where record(key) == nil { try remove(key) }
    }

    /// Removes an entry: out of sight in one step, then file by file. Nothing happens where there is none.
    func remove(_ key: String) throws(StoreError) {
        let steps = try Directory(opening: app.steps)
        guard try steps.status(of: FilePath(key)) != nil else { return }
        let hidden = TemporaryName.next(for: key)
        try steps.rename(FilePath(key), to: FilePath(hidden))
        try TreeRemoval.remove(app.steps.appending(hidden))
    }
}
