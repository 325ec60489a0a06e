// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("ExistentialAny"),
]

let system = Target.Dependency.product(name: "SystemPackage", package: "swift-system")

let package = Package(
    name: "pmo-release",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "pmo-release", targets: ["pmo-release"]),
        .executable(name: "post-receive", targets: ["post-receive"]),
        .executable(name: "pmo-release-root", targets: ["pmo-release-root"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0"),
        .package(url: "https://github.com/apple/swift-system", from: "1.5.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.0.0"),
        .package(url: "https://github.com/hummingbird-project/swift-mustache", from: "2.0.0"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.0.0"),
        .package(url: "https://github.com/apple/swift-certificates", from: "1.10.0"),
        .package(url: "https://github.com/apple/swift-crypto", "3.12.3"..<"6.0.0"),
        .package(url: "https://github.com/apple/swift-asn1", from: "1.1.0"),
    ],
    targets: [
        // The rooms; arrows go down only (RoomsTests reads the imports to keep it so).
        .systemLibrary(name: "CLibgit2", pkgConfig: "libgit2", providers: [.apt(["libgit2-dev"])]),
        .systemLibrary(name: "CDeflate", pkgConfig: "libdeflate", providers: [.apt(["libdeflate-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(name: "CLinux"),
        .target(name: "FailPoints", swiftSettings: settings),
        .target(
            name: "ReleaseModel",
            dependencies: [.product(name: "Yams", package: "Yams")],
            swiftSettings: settings),
        .target(
            name: "GitRepository",
            dependencies: ["CLibgit2", "CDeflate", "CZlib", "ReleaseModel", system],
            swiftSettings: settings),
        .target(
            name: "ReleaseStore",
            dependencies: [
                "CLinux", "FailPoints", "ReleaseModel", system, .product(name: "GRDB", package: "GRDB.swift"),
            ],
            swiftSettings: settings),
        .target(
            name: "SiteTemplates",
            dependencies: ["ReleaseModel", .product(name: "Mustache", package: "swift-mustache")],
            resources: [
                .embedInCode("../../hooks/pre-receive"), .embedInCode("../../hooks/proc-receive"),
                .embedInCode("../../hooks/post-receive"), .embedInCode("../../nginx/nginx.conf"),
                .embedInCode("../../nginx/site.conf"), .embedInCode("../../nginx/pmo-release.conf"),
                .embedInCode("../../templates/maintenance.html"), .embedInCode("../../templates/run"),
                .embedInCode("../../templates/finish"), .embedInCode("../../templates/control-t"),
                .embedInCode("../../templates/log-run"), .embedInCode("../../templates/service.unit"),
                .embedInCode("../../templates/seal"), .embedInCode("../../templates/renewed"),
                .embedInCode("../../templates/pmo-release-resume.service"),
            ],
            swiftSettings: settings),
        .target(
            name: "HostControl",
            dependencies: ["CLinux", "ReleaseModel", system],
            swiftSettings: settings),
        .target(
            name: "HostCertificates",
            dependencies: [
                "ReleaseModel", "HostControl", .product(name: "X509", package: "swift-certificates"),
                .product(name: "SwiftASN1", package: "swift-asn1"), .product(name: "Crypto", package: "swift-crypto"),
            ],
            swiftSettings: settings),
        .target(
            name: "DeployPipeline",
            dependencies: [
                "FailPoints", "ReleaseModel", "GitRepository", "ReleaseStore", "SiteTemplates", "HostControl", system,
            ],
            swiftSettings: settings),
        .target(
            name: "ReleaseCommands",
            dependencies: [
                "FailPoints", "ReleaseModel", "GitRepository", "ReleaseStore", "SiteTemplates", "HostControl",
                "DeployPipeline",
                system, .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: settings),
        .target(
            name: "SiteControl",
            dependencies: [
                "FailPoints", "ReleaseModel", "ReleaseStore", "SiteTemplates", "HostControl", "HostCertificates",
                system,
            ],
            swiftSettings: settings),
        .executableTarget(name: "pmo-release-root", dependencies: ["SiteControl"], swiftSettings: settings),
        .executableTarget(name: "pmo-release", dependencies: ["ReleaseCommands"], swiftSettings: settings),
        .executableTarget(name: "post-receive", dependencies: ["ReleaseCommands"], swiftSettings: settings),

        // What the tests of several rooms ask for.
        .target(name: "FreePorts", path: "Tests/FreePorts", swiftSettings: settings),
        .testTarget(name: "FailPointsTests", dependencies: ["FailPoints"], swiftSettings: settings),
        .testTarget(name: "ReleaseModelTests", dependencies: ["ReleaseModel"], swiftSettings: settings),
        .testTarget(
            name: "GitRepositoryTests", dependencies: ["GitRepository", "CLibgit2", "ReleaseModel", system],
            swiftSettings: settings),
        .testTarget(
            name: "ReleaseStoreTests", dependencies: ["CLinux", "ReleaseStore", "ReleaseModel", system],
            swiftSettings: settings),
        .testTarget(
            name: "SiteTemplatesTests", dependencies: ["SiteTemplates", "FreePorts", "ReleaseModel"],
            exclude: ["Golden"], swiftSettings: settings),
        .testTarget(
            name: "HostControlTests", dependencies: ["HostControl", "FreePorts", "ReleaseModel", system],
            swiftSettings: settings),
        .testTarget(
            name: "DeployPipelineTests",
            dependencies: ["DeployPipeline", "GitRepository", "ReleaseModel", "ReleaseStore", system],
            swiftSettings: settings),
        .testTarget(
            name: "ReleaseCommandsTests",
            dependencies: [
                "ReleaseCommands", "FailPoints", "FreePorts", "ReleaseModel", "ReleaseStore", "HostControl",
                "pmo-release", "post-receive", "pmo-release-root", system,
            ],
            swiftSettings: settings),
        .testTarget(
            name: "HostCertificatesTests",
            dependencies: [
                "HostCertificates", "HostControl", "ReleaseModel", "ReleaseStore",
                .product(name: "X509", package: "swift-certificates"),
                .product(name: "SwiftASN1", package: "swift-asn1"), .product(name: "Crypto", package: "swift-crypto"),
            ],
            swiftSettings: settings),
        .testTarget(
            name: "SiteControlTests",
            dependencies: [
                "SiteControl", "pmo-release-root", "FailPoints", "FreePorts", "HostControl", "HostCertificates",
                "ReleaseModel", "ReleaseStore", system,
            ],
            swiftSettings: settings),
        .testTarget(name: "RoomsTests", swiftSettings: settings),
    ]
)
