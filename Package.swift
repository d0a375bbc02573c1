// swift-tools-version: 6.2
import PackageDescription

/// Settings every target shares: Swift 6 language mode comes from the tools version.
let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

let package = Package(
    name: "martlet",
    products: [
        .executable(name: "martlet", targets: ["MartletMain"]),
        .executable(name: "martlet-simulate", targets: ["MartletSimulate"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(
            url: "https://github.com/apple/swift-configuration", from: "1.4.0",
            traits: [.defaults, "YAML", "CommandLineArguments"]),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        // The domain, its rules, the ports and the pipeline that runs on them. No I/O, no client library.
        .target(
            name: "Martlet",
            dependencies: [
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "HeapModule", package: "swift-collections"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Metrics", package: "swift-metrics"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            swiftSettings: settings),

        // Engines: one module each, implementing the ports it is good at.
        .target(
            name: "SQLiteEngine",
            dependencies: ["Martlet", .product(name: "GRDB", package: "GRDB.swift")],
            path: "Sources/Engines/SQLite",
            swiftSettings: settings),

        // Providers: one module each, turning messages into requests and answers into outcomes.
        .target(
            name: "WasenderProvider",
            dependencies: ["Martlet", .product(name: "AsyncHTTPClient", package: "async-http-client")],
            path: "Sources/Providers/Wasender",
            swiftSettings: settings),

        .target(
            name: "MartletServer",
            dependencies: [
                "Martlet",
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdTLS", package: "hummingbird"),
                .product(name: "HummingbirdHTTP2", package: "hummingbird"),
            ],
            swiftSettings: settings),
        .target(
            name: "MartletSandbox",
            dependencies: [
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            swiftSettings: settings),
        .target(
            name: "MartletClient",
            dependencies: [.product(name: "AsyncHTTPClient", package: "async-http-client")],
            swiftSettings: settings),
        .target(
            name: "MartletCommands",
            dependencies: [
                "Martlet", "SQLiteEngine", "WasenderProvider", "MartletServer", "MartletSandbox", "MartletClient",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Configuration", package: "swift-configuration"),
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "Yams", package: "Yams"),
            ],
            swiftSettings: settings),
        .executableTarget(name: "MartletMain", dependencies: ["MartletCommands"], swiftSettings: settings),

        // Test-only libraries: the suites every engine passes, the one test clock, the fakes.
        .target(name: "MartletTestSupport", dependencies: ["Martlet"], swiftSettings: settings),
        .target(name: "EngineConformance", dependencies: ["Martlet", "MartletTestSupport"], swiftSettings: settings),
        .target(
            name: "MartletSimulation",
            dependencies: [
                "Martlet", "MartletTestSupport",
                .product(name: "HeapModule", package: "swift-collections"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: settings),
        .executableTarget(
            name: "MartletSimulate",
            dependencies: [
                "MartletSimulation", .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: settings),

        .testTarget(
            name: "MartletTests", dependencies: ["Martlet", "MartletTestSupport", "EngineConformance"],
            swiftSettings: settings),
        .testTarget(name: "MartletSimulationTests", dependencies: ["MartletSimulation"], swiftSettings: settings),
        .testTarget(
            name: "SQLiteEngineTests", dependencies: ["SQLiteEngine", "EngineConformance", "MartletTestSupport"],
            swiftSettings: settings),
        .testTarget(
            name: "WasenderProviderTests", dependencies: ["WasenderProvider", "MartletTestSupport"],
            swiftSettings: settings),
        .testTarget(
            name: "MartletServerTests",
            dependencies: [
                "MartletServer", "SQLiteEngine", "MartletTestSupport",
                .product(name: "HummingbirdTesting", package: "hummingbird"),
            ],
            swiftSettings: settings),
        .testTarget(
            name: "MartletSandboxTests",
            dependencies: ["MartletSandbox", .product(name: "HummingbirdTesting", package: "hummingbird")],
            swiftSettings: settings),
        .testTarget(
            name: "MartletCommandsTests",
            dependencies: ["MartletCommands", "MartletClient", "MartletTestSupport"],
            swiftSettings: settings),
    ]
)
