extension SiteTemplates {
    /// The page that is shown while an app is under maintenance, from `templates/maintenance.html`.
    ///
    /// - Parameter message: plain text; what HTML would read in it is escaped.
    public static func maintenancePage(_ message: String) throws(TemplateError) -> [UInt8] {
        var escaped = ""
        for character in message {
            switch character {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            default: escaped.append(character)
            }
        }
        let page = try text(
            PackageResources.maintenance_html, name: "templates/maintenance.html", ["message": .text(escaped)])
        return Array(page.utf8)
    }
}
