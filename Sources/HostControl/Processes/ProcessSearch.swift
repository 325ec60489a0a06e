import Glibc

/// Finds processes by their command lines.
public enum ProcessSearch {
    /// The process groups of the processes whose arguments, after the program, begin with some words.
    public static func groups(ofArguments words: [String]) -> Set<Int32> {
        var groups: Set<Int32> = []
        for pid in ProcessGroup.allPids() {
            let line = ProcessGroup.text("/proc/\(pid)/cmdline")?.split(separator: "\0").map(String.init) ?? []
            if line.dropFirst().starts(with: words) { groups.insert(getpgid(pid)) }
        }
        return groups.filter { $0 > 1 }
    }
}
