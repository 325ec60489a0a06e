public import ReleaseModel

extension SiteTemplates {
    /// The environment of a release as a file that a shell sources: `export KEY='value'`, sorted; every value comes
    /// back byte for byte.
    public static func environmentFile(_ values: [EnvironmentKey: String]) -> String {
        values.sorted { $0.key < $1.key }.map { "export \($0.key)=\($0.value.singleQuoted)\n" }.joined()
    }

    /// The file `slot` of an instance: where it listens and which one it is.
    public static func slotFile(endpoint: Endpoint?, instance: Int) -> String {
        let number = "export PMO_INSTANCE='\(instance)'\n"
        return switch endpoint {
        case .port(let port): "export PORT='\(port)'\n" + number
        case .socket(let path): "export SOCKET=\(path.singleQuoted)\n" + number
        case nil: number
        }
    }
}

extension String {
    /// The text in single quotes for a POSIX shell, which takes every byte but NUL in them literally
    /// (POSIX.1-2017 §2.2.2).
    var singleQuoted: String {
        var result = "'"
        for scalar in unicodeScalars {
            if scalar == "'" { result += "'\\''" } else { result.unicodeScalars.append(scalar) }
        }
        return result + "'"
    }

    /// Refuses what cannot stand in a file of lines: control characters, and others that are told.
    func checked(as what: String, without characters: String = "", rule: String = "") throws(TemplateError) -> String {
        guard !unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7f }) else {
            throw .unfit(what: what, value: self, rule: "must not hold control characters")
        }
        guard !unicodeScalars.contains(where: characters.unicodeScalars.contains) else {
            throw .unfit(what: what, value: self, rule: rule)
        }
        return self
    }

    /// A path or address in double quotes for nginx, where `\` and `"` are escaped and `$` begins a variable.
    func nginxQuoted(as what: String) throws(TemplateError) -> String {
        let text = try checked(
            as: what, without: "$",
            rule: "must not hold “$”, which begins a variable in nginx; move it to another directory")
        var result = "\""
        for scalar in text.unicodeScalars {
            if scalar == "\\" || scalar == "\"" { result += "\\" }
            result.unicodeScalars.append(scalar)
        }
        return result + "\""
    }
}
