extension ManifestReader {
    /// Checks the keys whose work is not built, and refuses them: a key that is accepted and does nothing would be
    /// believed.
    func refuseWhatDoesNothingYet() {
        if let compose = root["compose"], compose.value(ReleasePath.self) != nil {
            refuse("compose", compose, since: "backing services are not built")
        }
        if let schedule = root["schedule"], readSchedule(schedule) {
            refuse("schedule", schedule, since: "timed commands are not built")
        }
    }

    private func refuse(_ key: String, _ field: ManifestField, since reason: String) {
        problems.add("`\(key)` does nothing yet: \(reason); remove it", at: field.node)
    }

    private func readSchedule(_ field: ManifestField) -> Bool {
        let example = "{ nightly: { at: \"0 3 * * *\", command: ./nightly.sh } }"
        guard let jobs = field.mapping(example: example, atMost: 64) else { return false }
        var isRight = true
        for job in jobs.entries {
            let name = job.name(ServiceName.self)
            let mapping = job.field.mapping(
                keys: ["at", "command"], example: "{ at: \"0 3 * * *\", command: ./nightly.sh }")
            for key in ["at", "command"] where mapping != nil && mapping?[key] == nil {
                job.field.refuse("has no “\(key)”")
            }
            let command = mapping?["command"]?.command()
            let isTimed = mapping?["at"]?.isCronTime() ?? false
            isRight = isRight && name != nil && command != nil && isTimed
        }
        return isRight
    }
}

extension ManifestField {
    /// Whether the text has the five fields of crontab(5).
    fileprivate func isCronTime() -> Bool {
        guard let text = text() else { return false }
        let fields = text.split(separator: " ")
        let isRight =
            fields.count == 5 && text.utf8.allSatisfy { $0.isDigit || $0.isLetter || "*/,- ".utf8.contains($0) }
        if !isRight { refuse("must be five fields as in a crontab, such as \"0 3 * * *\"") }
        return isRight
    }
}
