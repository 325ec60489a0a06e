/// The texts that the product writes, each from a template under `hooks/`, `nginx/` or `templates/` that is embedded
/// in the binary. Rendering is pure: values in, text out.
public enum SiteTemplates {
    /// A template of ours rendered with its values.
    static func text(
        _ bytes: [UInt8], name: String, _ values: [String: TemplateValue]
    ) throws(TemplateError) -> String {
        try ScannedTemplate(String(decoding: bytes, as: UTF8.self), name: name).render(values)
    }
}
