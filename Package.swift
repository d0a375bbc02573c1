// swift-tools-version: 6.2
import PackageDescription

/// Settings every target shares: Swift 6 language mode comes from the tools version.
let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

// Products of other packages, by the names the targets below use.
let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let asyncHTTPClient: Target.Dependency = .product(name: "AsyncHTTPClient", package: "async-http-client")
let configuration: Target.Dependency = .product(name: "Configuration", package: "swift-configuration")
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let deque: Target.Dependency = .product(name: "DequeModule", package: "swift-collections")
let grdb: Target.Dependency = .product(name: "GRDB", package: "GRDB.swift")
let heap: Target.Dependency = .product(name: "HeapModule", package: "swift-collections")
let httpTypes: Target.Dependency = .product(name: "HTTPTypes", package: "swift-http-types")
let hummingbird: Target.Dependency = .product(name: "Hummingbird", package: "hummingbird")
let hummingbirdCore: Target.Dependency = .product(name: "HummingbirdCore", package: "hummingbird")
let hummingbirdHTTP2: Target.Dependency = .product(name: "HummingbirdHTTP2", package: "hummingbird")
let hummingbirdTesting: Target.Dependency = .product(name: "HummingbirdTesting", package: "hummingbird")
let hummingbirdTLS: Target.Dependency = .product(name: "HummingbirdTLS", package: "hummingbird")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let metrics: Target.Dependency = .product(name: "Metrics", package: "swift-metrics")
let nioCore: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioHTTP1: Target.Dependency = .product(name: "NIOHTTP1", package: "swift-nio")
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
let nioSSL: Target.Dependency = .product(name: "NIOSSL", package: "swift-nio-ssl")
let serviceLifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let yams: Target.Dependency = .product(name: "Yams", package: "Yams")

let package = Package(
    name: "martlet",
    products: [
        .executable(name: "martlet", targets: ["MartletMain"]),
        .executable(name: "martlet-benchmark", targets: ["MartletBenchmark"]),
        .executable(name: "martlet-simulate", targets: ["MartletSimulate"]),
    ],
    traits: [
        .trait(name: "PostgreSQL", description: "The engine for PostgreSQL 15 and later; needs libpq."),
        .trait(name: "Redis", description: "The engine for Redis 7 and later; needs hiredis."),
        .trait(name: "RabbitMQ", description: "The engine for RabbitMQ 3.10 and later; needs rabbitmq-c."),
        .trait(name: "SQS", description: "The engine for Amazon SQS and what speaks its protocol."),
        .trait(name: "Kafka", description: "The engine for Kafka; needs librdkafka."),
        .trait(
            name: "AllEngines", description: "Every engine, with what their client libraries need.",
            enabledTraits: ["PostgreSQL", "Redis", "RabbitMQ", "SQS", "Kafka"]),
        .default(enabledTraits: []),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(
            url: "https://github.com/apple/swift-configuration", from: "1.4.0",
            traits: [.defaults, "YAML", "CommandLineArguments"]),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        // The domain, its rules, the ports and the pipeline that runs on them. No I/O, no client library.
        .target(
            name: "Martlet", dependencies: [crypto, deque, heap, logging, metrics, serviceLifecycle],
            swiftSettings: settings),

        // Engines: one module each, implementing the ports it is good at.
        .target(
            name: "SQLiteEngine", dependencies: ["Martlet", grdb], path: "Sources/Engines/SQLite",
            swiftSettings: settings),
        .systemLibrary(
            name: "CPostgreSQL", pkgConfig: "libpq", providers: [.apt(["libpq-dev"]), .brew(["libpq"])]),
        .target(
            name: "PostgreSQLEngine",
            dependencies: [
                "Martlet", .target(name: "CPostgreSQL", condition: .when(traits: ["PostgreSQL"])), logging,
                serviceLifecycle,
            ],
            path: "Sources/Engines/PostgreSQL", swiftSettings: settings),
        // No pkgConfig: hiredis names a compiler flag there that packages may not set.
        .systemLibrary(name: "CRedis", providers: [.apt(["libhiredis-dev"]), .brew(["hiredis"])]),
        .target(
            name: "RedisEngine",
            dependencies: ["Martlet", .target(name: "CRedis", condition: .when(traits: ["Redis"])), logging],
            path: "Sources/Engines/Redis", swiftSettings: settings),
        .systemLibrary(
            name: "CRabbitMQ", pkgConfig: "librabbitmq", providers: [.apt(["librabbitmq-dev"]), .brew(["rabbitmq-c"])]),
        .target(
            name: "RabbitMQEngine",
            dependencies: [
                "Martlet", .target(name: "CRabbitMQ", condition: .when(traits: ["RabbitMQ"])), deque, logging,
            ],
            path: "Sources/Engines/RabbitMQ", swiftSettings: settings),
        .target(
            name: "SQSEngine", dependencies: ["Martlet", asyncHTTPClient, crypto, logging, nioCore],
            path: "Sources/Engines/SQS", swiftSettings: settings),
        .systemLibrary(
            name: "CKafka", pkgConfig: "rdkafka", providers: [.apt(["librdkafka-dev"]), .brew(["librdkafka"])]),
        .target(
            name: "KafkaEngine",
            dependencies: ["Martlet", .target(name: "CKafka", condition: .when(traits: ["Kafka"])), deque, logging],
            path: "Sources/Engines/Kafka", swiftSettings: settings),
        // Brokers in memory, which the tests of the Kafka engine run against.
        .executableTarget(
            name: "MartletKafkaMock",
            dependencies: [.target(name: "CKafka", condition: .when(traits: ["Kafka"]))], swiftSettings: settings),

        // Providers: one module each, turning messages into requests and answers into outcomes.
        .target(
            name: "WasenderProvider", dependencies: ["Martlet", asyncHTTPClient, nioCore],
            path: "Sources/Providers/Wasender", swiftSettings: settings),

        .target(
            name: "MartletServer",
            dependencies: [
                "Martlet", crypto, httpTypes, hummingbird, hummingbirdCore, hummingbirdHTTP2, hummingbirdTLS, logging,
                metrics, nioSSL, serviceLifecycle,
            ],
            swiftSettings: settings),
        // The provider simulator does not know the core: it is an independent judge.
        .target(
            name: "MartletSandbox",
            dependencies: [
                asyncHTTPClient, httpTypes, hummingbird, logging, nioCore, nioHTTP1, nioPosix, serviceLifecycle,
            ],
            swiftSettings: settings),
        .target(
            name: "MartletClient", dependencies: [asyncHTTPClient, nioCore, nioHTTP1, nioPosix], swiftSettings: settings
        ),
        .target(
            name: "MartletCommands",
            dependencies: [
                "KafkaEngine", "Martlet", "MartletClient", "MartletSandbox", "MartletServer", "PostgreSQLEngine",
                "RabbitMQEngine", "RedisEngine", "SQLiteEngine", "SQSEngine", "WasenderProvider", argumentParser,
                asyncHTTPClient, configuration, crypto, logging, metrics, nioCore,
                nioHTTP1, serviceLifecycle, yams,
            ],
            swiftSettings: settings),
        .executableTarget(name: "MartletMain", dependencies: ["MartletCommands"], swiftSettings: settings),

        // For tests: the suites every engine passes, the one test clock, the fakes.
        .target(name: "MartletTestSupport", dependencies: ["Martlet", deque, heap, logging], swiftSettings: settings),
        .target(name: "EngineConformance", dependencies: ["Martlet"], swiftSettings: settings),
        // Whole days of traffic from one seed, judged by what the provider saw.
        .target(
            name: "MartletSimulation", dependencies: ["Martlet", "MartletTestSupport", heap, logging],
            swiftSettings: settings),
        .executableTarget(
            name: "MartletSimulate", dependencies: ["MartletSimulation", argumentParser], swiftSettings: settings),
        // What is measured inside the process; Benchmarks/ measures the rest from outside.
        .executableTarget(
            name: "MartletBenchmark",
            dependencies: [
                "Martlet", "MartletCommands", "PostgreSQLEngine", "SQLiteEngine", argumentParser, logging,
            ],
            swiftSettings: settings),
        // What is read from outside, held against what it is promised; `make fuzz` and `make test` run it.
        .target(
            name: "MartletFuzzing",
            dependencies: [
                "Martlet", "MartletClient", "MartletCommands", "MartletSandbox", "MartletServer", "WasenderProvider",
                hummingbirdCore,
            ],
            swiftSettings: settings),

        .testTarget(
            name: "MartletTests", dependencies: ["EngineConformance", "Martlet", "MartletTestSupport"],
            swiftSettings: settings),
        .testTarget(name: "MartletFuzzingTests", dependencies: ["MartletFuzzing"], swiftSettings: settings),
        .testTarget(name: "MartletSimulationTests", dependencies: ["MartletSimulation"], swiftSettings: settings),
        .testTarget(
            name: "SQLiteEngineTests", dependencies: ["EngineConformance", "Martlet", "SQLiteEngine", grdb],
            swiftSettings: settings),
        .testTarget(
            name: "PostgreSQLEngineTests", dependencies: ["EngineConformance", "Martlet", "PostgreSQLEngine"],
            swiftSettings: settings),
        .testTarget(
            name: "RedisEngineTests", dependencies: ["EngineConformance", "Martlet", "RedisEngine"],
            swiftSettings: settings),
        .testTarget(
            name: "RabbitMQEngineTests", dependencies: ["EngineConformance", "Martlet", "RabbitMQEngine"],
            swiftSettings: settings),
        .testTarget(
            name: "SQSEngineTests",
            dependencies: [
                "EngineConformance", "Martlet", "MartletTestSupport", "SQSEngine", asyncHTTPClient, crypto, nioCore,
            ],
            swiftSettings: settings),
        .testTarget(
            name: "KafkaEngineTests", dependencies: ["EngineConformance", "KafkaEngine", "Martlet"],
            swiftSettings: settings),
        .testTarget(
            name: "WasenderProviderTests", dependencies: ["Martlet", "MartletTestSupport", "WasenderProvider"],
            swiftSettings: settings),
        .testTarget(
            name: "MartletServerTests",
            dependencies: [
                "Martlet", "MartletServer", "MartletTestSupport", asyncHTTPClient, crypto, httpTypes, hummingbird,
                hummingbirdTesting, logging, metrics, serviceLifecycle,
            ],
            swiftSettings: settings),
        .testTarget(
            name: "MartletSandboxTests",
            dependencies: [
                "MartletSandbox", asyncHTTPClient, httpTypes, hummingbird, logging, nioCore, nioHTTP1, serviceLifecycle,
            ],
            exclude: ["Python"], swiftSettings: settings),
        .testTarget(
            name: "MartletCommandsTests",
            dependencies: [
                "Martlet", "MartletClient", "MartletCommands", "MartletSandbox", "MartletTestSupport", argumentParser,
                hummingbird, logging, serviceLifecycle,
            ],
            swiftSettings: settings),
    ]
)

// This program can only be linked with libFuzzer: see scripts/fuzz. Our own modules
// alone are instrumented, as they are what is searched, and keep the checks of a debug build.
if Context.environment["MARTLET_FUZZ"] == "1" {
    let sanitizers = ["-sanitize=fuzzer", "-sanitize=address"]
    // The first alone brings libFuzzer along and no counters to guide it.
    let counters = "-sanitize-coverage=edge,inline-8bit-counters,pc-table,trace-cmp"
    for target in package.targets where target.type == .regular {
        target.swiftSettings = settings + [.unsafeFlags(sanitizers + [counters, "-O", "-assert-config", "Debug"])]
    }
    package.targets.append(
        .executableTarget(
            name: "MartletFuzz", dependencies: ["MartletFuzzing"],
            swiftSettings: settings + [.unsafeFlags(sanitizers)],
            linkerSettings: [.unsafeFlags(sanitizers)]))
    package.products.append(.executable(name: "martlet-fuzz", targets: ["MartletFuzz"]))
}
