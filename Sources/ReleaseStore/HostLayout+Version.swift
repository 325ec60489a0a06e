import Glibc
import ReleaseModel
public import SystemPackage

/// What a home looks like changes from version to version of the program. `.pmo/layout` holds the number of its look:
///
/// 1. without the file: sockets stood in the slot itself, and `HOME` of services was that of the builds;
/// 2. sockets in `<slot>/run`, `HOME` of services in `<app>/home`.
extension HostLayout {
    /// The number of the layout that this version makes and reads.
    public static let version = 2
    /// The file with the number, in decimal.
    public var versionFile: FilePath { `private`.appending("layout") }

    /// Brings a home of an older layout up to date, while its apps run; one of this layout costs a look at the file. It
    /// may be cut short, and done twice.
    ///
    /// - Throws: `newerHome` where a later version has made it: what that wrote could be misread.
    public func ensureVersion() throws(StoreError) {
        guard `private`.isRealDirectory else { return }
        let found = try recordedVersion()
        guard found <= Self.version else { throw .newerHome(path: home, layout: found) }
        guard found < Self.version else { return }
        for name in try apps() where found < 2 { try moveSockets(of: app(name)) }
        try DurableFile.write(Array("\(Self.version)\n".utf8), to: versionFile)
    }

    private func recordedVersion() throws(StoreError) -> Int {
        guard let bytes = try DurableFile.read(versionFile) else { return 1 }
        let text = String(decoding: bytes, as: UTF8.self)
        guard let number = Int(text.prefix { $0 != "\n" }), number > 0 else {
            throw .damaged(path: versionFile, problem: "holds no number")
        }
        return number
    }

    /// A socket is reached by each of its names: the old one stays for whoever has it.
    private func moveSockets(of app: AppLayout) throws(StoreError) {
        guard app.slots.isRealDirectory else { return }
        for name in try app.slots.namesInside() {
            guard let service = try? ServiceName(name) else { continue }
            for number in SlotNumber.allCases {
                let slot = app.slot(service, number)
                guard slot.root.isRealDirectory else { continue }
                for socket in try slot.root.namesInside() where socket.hasSuffix(".sock") {
                    _ = try slot.run.makeDirectories()
                    let place = slot.run.appending(socket)
                    let result = Glibc.link(slot.root.appending(socket).string, place.string)
                    guard result == 0 || errno == EEXIST else {
                        throw .system(action: "link", path: place, code: errno)
                    }
                }
            }
        }
    }
}
