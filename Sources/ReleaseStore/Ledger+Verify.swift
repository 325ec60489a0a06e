import GRDB
public import ReleaseModel
public import SystemPackage

extension Ledger {
    /// Lets SQLite look over the whole file.
    ///
    /// - Throws: `ledger` with code 11 (SQLITE_CORRUPT) and what is wrong.
    public func verify() throws(StoreError) {
        let problems = try read { try String.fetchAll($0, sql: "PRAGMA integrity_check(3)") }
        guard problems == ["ok"] else {
            throw .ledger(path: app.ledger, code: 11, message: problems.first ?? "nothing to be read")
        }
    }
}

extension StoreError {
    /// Whether it is about a ledger whose content is no ledger any more: SQLITE_CORRUPT, SQLITE_NOTADB
    /// (sqlite.org/rescode.html), or that is no file. Everything else may pass by itself.
    public var isDamagedLedger: Bool {
        guard case .ledger(let path, let code, _) = self else { return false }
        return [11, 26].contains(code & 0xff) || path.isRealDirectory
    }
}

extension ReleaseStore {
    /// Moves the ledger out of the way, with the files that SQLite has beside it: the next one would replay them.
    ///
    /// - Returns: the directory that has it now, `ledger.damaged` or with the first number that is free.
    public func setLedgerAside() throws(StoreError) -> FilePath {
        let root = try Directory(opening: app.root)
        var aside = app.root.appending("ledger.damaged")
        var number = 1
        while try !root.makeDirectory(aside.lastName ?? "ledger.damaged") {
            number += 1
            aside = app.root.appending("ledger.damaged.\(number)")
        }
        for name in try root.names(startingWith: ["ledger.sqlite"]) {
            let moved = try Directory(opening: aside)
            try root.rename(FilePath(name), to: FilePath(name), in: moved)
        }
        try root.sync()
        return aside
    }

    /// The deploys that have a partial.
    public func partials() throws(StoreError) -> Set<Int> {
        Set(try app.releases.namesInside(startingWith: ".").compactMap(Self.deploy(ofPartial:)))
    }

    /// Whether a deploy has a partial.
    public func hasPartial(_ deploy: Int) -> Bool { app.partial(deploy).status(following: false) != nil }

    /// Whether something lies in `releases` or beside the links that nobody works on but the dead: releases half removed,
    /// temporary files.
    public func hasLeftovers() throws(StoreError) -> Bool {
        if try app.releases.namesInside(startingWith: ".").contains(where: { $0.hasSuffix(".removing") }) {
            return true
        }
        for place in Self.placesOfTemporaryFiles(app)
        where try place.namesInside(startingWith: ".").contains(where: TemporaryName.isLeftover) { return true }
        return false
    }

    /// Waits until both links are on the disk as they are.
    public func syncLinks() throws(StoreError) {
        let root = try Directory(opening: app.root)
        try root.sync()
    }

    private static func deploy(ofPartial name: String) -> Int? {
        guard name.hasPrefix("."), name.hasSuffix(".partial") else { return nil }
        return Int(name.dropFirst().dropLast(".partial".count))
    }
}

extension AppLayout {
    /// Whether nobody works any more on a deploy that has not ended: its process is gone, or whoever recorded it was
    /// gone before there was one.
    public func isOrphaned(_ deploy: Deploy) -> Bool {
        if let process = deploy.process { return !process.isAlive }
        guard let free = try? FileLock.tryAcquire(requestLock) else { return false }
        free.release()
        return true
    }
}
