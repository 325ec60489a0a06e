extension String {
    /// The command line with `exec` in front where it is one simple command, so that the program takes the shell's
    /// place and gets its signals. A line with pipes, lists, comments, assignments, built-in or reserved words stays
    /// as it is.
    var shellCommand: String {
        let hasSyntax = unicodeScalars.contains {
            ";|&<>(){}`\n\r!#".unicodeScalars.contains($0) && $0 != "{" && $0 != "}"
        }
        let words = split { $0 == " " || $0 == "\t" }
        guard !hasSyntax, let first = words.first, first.unicodeScalars.allSatisfy(\.isProgramName),
            !Self.shellWords.contains(String(first))
        else { return self }
        return "exec \(self)"
    }

    /// Built-in and reserved words of POSIX and of dash, and a few of bash.
    private static let shellWords: Set<String> = [
        ".", ":", "[", "alias", "bg", "break", "builtin", "case", "cd", "command", "continue", "declare", "do", "done",
        "echo", "elif", "else", "enable", "esac", "eval", "exec", "exit", "export", "false", "fc", "fg", "fi", "for",
        "function", "getopts", "hash", "help", "history", "if", "in", "jobs", "kill", "let", "local", "printf", "pwd",
        "read", "readonly", "return", "select", "set", "shift", "shopt", "source", "test", "then", "time", "times",
        "trap",
        "true", "type", "ulimit", "umask", "unalias", "unset", "until", "wait", "while",
    ]
}

extension Unicode.Scalar {
    /// Whether the character can stand in a program's name that is written without quotes.
    fileprivate var isProgramName: Bool {
        isASCII && (properties.isAlphabetic || ("0"..."9").contains(self)) || "_./+-@:,%[".unicodeScalars.contains(self)
    }
}
