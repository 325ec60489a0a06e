extension SiteTemplates {
    /// The hooks of a receiver.
    public static let hookNames = ["pre-receive", "proc-receive", "post-receive"]

    /// The file of a hook, to be installed with mode 0755.
    ///
    /// - Parameter name: One of `hookNames`; another name gives an empty file, with which git does nothing.
    public static func hook(named name: String) -> [UInt8] {
        switch name {
        case "pre-receive": PackageResources.pre_receive
        case "proc-receive": PackageResources.proc_receive
        case "post-receive": PackageResources.post_receive
        default: []
        }
    }
}
