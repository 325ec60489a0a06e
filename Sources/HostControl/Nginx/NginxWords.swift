import Glibc

/// A configuration of nginx as its words (nginx.org, “Configuration file's structure”): comments are gone, quotes too.
public struct NginxWords: Sendable {
    /// The simple directives, each with its arguments; a block's head is one as well.
    public let directives: [[String]]

    /// Cuts a configuration, or what `nginx -T` prints of it.
    public init(_ text: String) {
        var directives: [[String]] = []
        var words: [String] = []
        var word: String?
        var quote: Character?
        var isEscaped = false
        var isComment = false
        func end() {
            if let word { words.append(word) }
            word = nil
        }
        for character in text {
            if isComment {
                isComment = character != "\n"
            } else if isEscaped {
                word = (word ?? "") + String(character)
                isEscaped = false
            } else if character == "\\" {
                isEscaped = true
            } else if let open = quote {
                if character == open { quote = nil } else { word = (word ?? "") + String(character) }
            } else if word == nil, character == "\"" || character == "'" {
                quote = character
                word = ""
            } else if word == nil, character == "#" {
                isComment = true
            } else if character.isWhitespace {
                end()
            } else if character == ";" || character == "{" || character == "}" {
                end()
                if !words.isEmpty { directives.append(words) }
                words = []
            } else {
                word = (word ?? "") + String(character)
            }
        }
        self.directives = directives
    }

    /// Whether a directive of that name stands anywhere.
    public func has(_ name: String) -> Bool { directives.contains { $0.first == name } }

    /// The ports on which a server says that it is the one for hosts that no other has.
    public var defaultPorts: Set<Int> {
        Set(
            directives.compactMap { words in
                guard words.first == "listen", words.count > 1,
                    words.dropFirst(2).contains(where: { ["default_server", "default"].contains($0) }),
                    !words[1].hasPrefix("unix:")
                else { return nil }
                let last = words[1].split(separator: ":").last.map(String.init) ?? ""
                return Int(last) ?? 80
            })
    }

    /// Whether a server answers to a name.
    public func hasServer(_ name: String) -> Bool {
        directives.contains { $0.first == "server_name" && $0.dropFirst().contains(name) }
    }
}
