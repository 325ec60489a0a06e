import Glibc
import ReleaseModel
import SystemPackage

/// Gives each file that has other names an inode of its own, so that nothing that is written to by another name changes
/// it. Bytes, permissions (no setuid) and time of change stay.
struct FileSeparation: TreeVisitor {
    /// Where a copy is made, which then takes the file's place.
    private let aside: FilePath

    /// Separates what stands at some paths of a release.
    static func run(_ paths: [ReleasePath], in release: FilePath) throws(StoreError) {
        let own = try Directory(opening: ".pmo", in: Directory(opening: release, following: false))
        try TreeRemoval.remove("names", of: own)
        _ = try own.makeDirectory("names", mode: 0o700)
        var separation = FileSeparation(aside: own.path(of: "names"))
        for path in paths {
            let place = release.appending(path.text)
            guard let name = place.lastName else { continue }
            let parent = try Directory(opening: place.directory, following: false)
            if try parent.status(of: name)?.isDirectory == true {
                try TreeWalk.walk(name, of: parent, &separation)
            } else {
                try separation.visit(name, of: parent)
            }
        }
        try TreeRemoval.remove("names", of: own)
    }

    func enter(_ name: FilePath, of parent: borrowing Directory) throws(StoreError) -> Directory? {
        try Directory(opening: name, in: parent)
    }

    func visit(_ name: FilePath, of parent: borrowing Directory) throws(StoreError) {
        guard let status = try parent.status(of: name), status.isFile, status.st_nlink > 1 else { return }
        let before = try parent.status()
        let aside = try Directory(opening: aside, following: false)
        var copy = TreeCopy()
        try copy.copy(name, at: name, from: parent, to: aside)
        try aside.rename(name, to: name, in: parent)
        try checked("set the time of", parent.path) { futimens(parent.descriptor, [before.st_atim, before.st_mtim]) }
    }

    func leave(_ name: FilePath, of parent: borrowing Directory) {}
}
