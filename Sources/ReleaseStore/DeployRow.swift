import FoundationEssentials
import GRDB
import ReleaseModel

/// A deploy as a row of the ledger, column by column: a thousand of them are read at once.
enum DeployRow {
    static let columns = """
        number, kind, commit_id, subject, author, branch, who, origin, options, state, reason, phase, release, \
        pid, pid_started, boot, created, started, finished, files, bytes
        """

    /// In the order of `columns`; a number of 0 lets SQLite choose.
    static func arguments(_ deploy: Deploy) throws -> StatementArguments {
        let options = String(decoding: try JSONEncoder().encode(deploy.options), as: UTF8.self)
        return [
            deploy.number == 0 ? nil : deploy.number, deploy.kind.rawValue, deploy.commit.text, deploy.subject,
            deploy.author, deploy.branch, deploy.who, deploy.origin, options, deploy.state.rawValue, deploy.reason,
            deploy.phase?.rawValue, deploy.release?.directoryName, deploy.process?.pid, deploy.process?.started,
            deploy.process?.boot, deploy.created, deploy.started, deploy.finished, deploy.files, deploy.bytes,
        ]
    }

    /// - Throws: the value that is none of ours, which only a hand can have written.
    static func deploy(_ row: Row) throws -> Deploy {
        var deploy = Deploy(
            kind: try value(row[1], "kind", DeployKind.init(rawValue:)), commit: try CommitID(row[2]), subject: row[3],
            author: row[4], branch: row[5], who: row[6], origin: row[7], options: try options(row[8]), created: row[16])
        deploy.number = row[0]
        deploy.state = try value(row[9], "state", DeployState.init(rawValue:))
        deploy.reason = row[10]
        deploy.phase = try (row[11] as String?).map { try value($0, "phase", Phase.init(rawValue:)) }
        deploy.release = try (row[12] as String?).map { try value($0, "release", ReleaseID.init(directoryName:)) }
        if let pid = row[13] as Int32?, let started = row[14] as Int?, let boot = row[15] as String? {
            deploy.process = ProcessIdentity(pid: pid, started: started, boot: boot)
        }
        deploy.started = row[17]
        deploy.finished = row[18]
        deploy.files = row[19]
        deploy.bytes = row[20]
        return deploy
    }

    static func value<Value>(_ text: String, _ kind: String, _ make: (String) -> Value?) throws -> Value {
        guard let value = make(text) else { throw InvalidValue(kind, text, "is not known to this version") }
        return value
    }

    private static func options(_ text: String) throws -> [String] {
        text == "[]" ? [] : try JSONDecoder().decode([String].self, from: Data(text.utf8))
    }
}
