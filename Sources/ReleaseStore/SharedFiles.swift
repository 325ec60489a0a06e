import Glibc
import ReleaseModel
import SystemPackage

/// Judges files that releases have in common, links them, and restores those that somebody wrote to.
struct SharedFiles: Sendable {
    /// What a file of a release is.
    enum State {
        /// As git has it, and no other than releases have it.
        case fit(stat)
        /// Not as it was exported, and nobody else's.
        case own
        /// Written to, or with a name by which it can be, in several trees.
        case tampered([FilePath])
    }

    /// The directory of the releases.
    let releases: FilePath
    /// The trees that may have a file in common.
    let trees: [FilePath]
    let blobs: BlobSource

    /// Judges a file by its stamp, and by its content where the stamp is another.
    func state(of file: IndexedFile, in parents: TreeParents) throws(StoreError) -> State {
        guard let status = try parents.status(of: file), status.isFile || status.isLink else { return .own }
        if file.isUntouched(status) { return .fit(status) }
        guard let directory = try parents.directory(of: file) else { return .own }
        let isSound = isSound(file, file.name, in: directory, status)
        if status.st_nlink == 1 { return isSound ? .fit(status) : .own }
        let sharers = try trees(having: status.identity, as: file)
        // A name that is in no release is a way to write to it later.
        if isSound, Int(status.st_nlink) <= sharers.count { return .fit(status) }
        return sharers.count > 1 ? .tampered(sharers) : .own
    }

    /// Gives a file that is fit one more name.
    ///
    /// - Returns: the file with its new stamp; nil where it cannot have one more, or was written to meanwhile.
    func link(
        _ file: IndexedFile, _ status: stat, from source: Int32, to target: Int32, as name: [CChar]
    ) throws(StoreError) -> IndexedFile? {
        guard linkat(source, file.name, target, name, 0) == 0 else {
            // EMLINK: ext4 has at most 65,000 names for a file. Others where a file system or a kernel's rule has none.
            if [EMLINK, EPERM, EXDEV, EOPNOTSUPP, ENOENT, EEXIST].contains(errno) { return nil }
            throw .system(action: "link", path: releases.appending(file.shownPath), code: errno)
        }
        var now = stat()
        if fstatat(target, name, &now, AT_SYMLINK_NOFOLLOW) == 0, file.noted(as: status).hasContent(now) {
            return file.noted(as: now)
        }
        unlinkat(target, name, 0)
        return nil
    }

    /// Writes a file anew from git in each of the trees, in one rename each; what had its place keeps its other names.
    func restore(_ file: IndexedFile, in trees: [FilePath]) throws(StoreError) {
        let bytes: [UInt8]
        do {
            bytes = try blobs.read(file.blob)
        } catch {
            let problem = "was written to, and cannot be read from git: \(String(describing: error).shown(limit: 200))"
            throw .damaged(path: (trees.first ?? releases).appending(file.shownPath), problem: problem)
        }
        let place = try Directory(opening: releases)
        for tree in trees {
            // Not in the release, where a kill would leave it.
            let temporary = TemporaryName.next(for: "restored")
            try write(bytes, of: file, as: temporary, in: place)
            if try !TreeParents(of: tree).take(temporary, from: place, as: file) {
                try place.removeFile(FilePath(temporary))
            }
        }
    }

    private func write(
        _ bytes: [UInt8], of file: IndexedFile, as name: String, in place: borrowing Directory
    ) throws(StoreError) {
        if file.mode == 0o120000 {
            let target = bytes.map { CChar(bitPattern: $0) } + [0]
            let descriptor = place.descriptor
            try checked("link", place.path(of: FilePath(name))) { symlinkat(target, descriptor, name) }
        } else {
            try place.write(bytes, to: name, mode: mode_t(file.mode & 0o777), durable: false)
        }
    }

    private func trees(having identity: FileIdentity, as file: IndexedFile) throws(StoreError) -> [FilePath] {
        var sharers: [FilePath] = []
        for tree in trees {
            if try TreeParents(of: tree).status(of: file)?.identity == identity { sharers.append(tree) }
        }
        return sharers
    }

    /// Whether mode and content are what was exported.
    private func isSound(_ file: IndexedFile, _ name: [CChar], in directory: Int32, _ status: stat) -> Bool {
        guard file.hasMode(status), Int(status.st_size) == file.size else { return false }
        // One more, so that a file that has grown is seen to have.
        let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: file.size + 1, alignment: 16)
        defer { bytes.deallocate() }
        guard let start = bytes.baseAddress else { return false }
        let count =
            status.isLink
            ? readlinkat(directory, name, start, bytes.count)
            : read(name, in: directory, status.identity, into: bytes)
        guard count == file.size else { return false }
        return blobs.identify(UnsafeRawBufferPointer(rebasing: bytes[..<count])) == file.blob
    }

    /// Reads a file to the buffer's end.
    ///
    /// - Returns: how many bytes it has; -1 where it cannot be read or is another one by now.
    private func read(
        _ name: [CChar], in directory: Int32, _ identity: FileIdentity, into bytes: UnsafeMutableRawBufferPointer
    ) -> Int {
        let file = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
        guard file >= 0 else { return -1 }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0, status.identity == identity else { return -1 }
        var total = 0
        while total < bytes.count {
            let count = Glibc.read(file, bytes.baseAddress?.advanced(by: total), bytes.count - total)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { return -1 }
            if count == 0 { break }
            total += count
        }
        return total
    }
}

extension IndexedFile {
    /// Whether nobody has written to the file, replaced it, changed its mode or its names since its stamp was noted.
    func isUntouched(_ status: stat) -> Bool { hasContent(status) && status.changeTime == changed }

    /// The same, but for what changes with each name that a file gets or loses.
    func hasContent(_ status: stat) -> Bool {
        UInt64(status.st_ino) == inode && Int(status.st_size) == size && hasMode(status)
            && status.contentTime == modified
    }

    func hasMode(_ status: stat) -> Bool { Int(status.st_mode) == (mode == 0o120000 ? 0o120777 : mode) }

    /// The entry of a file whose stamp is another now.
    func noted(as status: stat) -> IndexedFile {
        var file = self
        file.inode = UInt64(status.st_ino)
        file.modified = status.contentTime
        file.changed = status.changeTime
        return file
    }

    var shownPath: String { String(decoding: path, as: UTF8.self) }
}

extension stat {
    /// Nanoseconds since 1970.
    var contentTime: Int { st_mtim.tv_sec * 1_000_000_000 + st_mtim.tv_nsec }
    /// Nanoseconds since 1970.
    var changeTime: Int { st_ctim.tv_sec * 1_000_000_000 + st_ctim.tv_nsec }
}
