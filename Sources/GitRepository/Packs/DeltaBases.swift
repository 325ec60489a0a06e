import CLibgit2

/// The objects that deltas were applied to, those used last: a chain of deltas is then not inflated from its beginning
/// for each of its objects. Bounded by bytes.
struct DeltaBases {
    /// An object that a pack holds, as it is without deltas.
    struct Base {
        let kind: git_object_t
        let buffer: ByteBuffer
        /// Where its data ends in the pack.
        let end: Int
    }

    /// Which pack of the set, and where in it.
    struct Key: Hashable {
        let pack: Int
        let offset: Int
    }

    private struct Node {
        let key: Key
        let base: Base
        var newer: Key?
        var older: Key?
    }

    private let limit: Int
    private var bytes = 0
    private var nodes: [Key: Node] = [:]
    private var newest: Key?
    private var oldest: Key?

    /// - Parameter limit: how many bytes are kept.
    init(limit: Int) {
        self.limit = limit
    }

    /// A base that is kept, which is now the one used last.
    mutating func take(_ key: Key) -> Base? {
        guard let node = nodes[key] else { return nil }
        if newest != key {
            unlink(node)
            link(Node(key: key, base: node.base))
        }
        return node.base
    }

    /// Keeps a base, and lets go those that were not used for longest.
    mutating func keep(_ base: Base, at key: Key) {
        guard nodes[key] == nil, base.buffer.capacity <= limit / 4 else { return }
        link(Node(key: key, base: base))
        bytes += base.buffer.capacity
        while bytes > limit, let key = oldest, let node = nodes[key] {
            unlink(node)
            bytes -= node.base.buffer.capacity
        }
    }

    private mutating func link(_ node: Node) {
        var node = node
        node.older = newest
        if let newest { nodes[newest]?.newer = node.key }
        newest = node.key
        oldest = oldest ?? node.key
        nodes[node.key] = node
    }

    private mutating func unlink(_ node: Node) {
        if let newer = node.newer { nodes[newer]?.older = node.older } else { newest = node.older }
        if let older = node.older { nodes[older]?.newer = node.newer } else { oldest = node.newer }
        nodes[node.key] = nil
    }
}
