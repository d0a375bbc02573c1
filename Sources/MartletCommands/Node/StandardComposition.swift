import Logging
import Martlet
import MartletServer
import Metrics
import SQLiteEngine
import ServiceLifecycle
import WasenderProvider

/// Puts a node together from the engines and providers of this build. A new engine or provider is one line here.
package struct StandardComposition: NodeComposition {
    private let wasender: WasenderProvider
    private let acceptingInto: @Sendable (any MessageStore) -> any MessageStore

    /// - parameter acceptingInto: stands between the API and the store. Benchmarks use it to leave one part out of what they
    ///   measure.
    package init(acceptingInto: @escaping @Sendable (any MessageStore) -> any MessageStore = { $0 }) {
        wasender = WasenderProvider(version: MartletProgram.version)
        self.acceptingInto = acceptingInto
    }

    /// Ends what outlives a node: the providers' connections. Call it last.
    package func shutDown() async { try? await wasender.shutDown() }

    package func openStore(
        _ configuration: NodeConfiguration, migrate: Bool, logger: Logger
    ) async throws -> any Store & Inbox {
        switch configuration.store {
        case .sqlite(let path): return try await OpenedEngines.openSQLite(path: path, migrate: migrate)
        case .postgresql(let url):
            #if PostgreSQL
                return try await OpenedEngines.openPostgreSQL(url: url, migrate: migrate)
            #else
                _ = url
                throw OpenedEngines.isNotBuilt
            #endif
        }
    }

    package func workerHolder(_ configuration: NodeConfiguration) -> WorkerHolder? {
        switch configuration.store {
        case .sqlite(let path):
            switch WorkerLock.holder(databasePath: path) {
            case .nobody: .nobody
            case .process(let id): .process(id)
            }
        case .postgresql: nil
        }
    }

    package func examineSeparateEngines(_ configuration: NodeConfiguration, logger: Logger) async -> [EngineState] {
        await SeparateEngines.examine(configuration, logger: logger)
    }

    package func providers() -> ProviderRegistry { ProviderRegistry([wasender]) }

    package func services(
        _ configuration: NodeConfiguration, logger: Logger,
        announce: @escaping @Sendable (NodeAnnouncement) -> Void
    ) async throws -> [any Service] {
        let opened = try await OpenedEngines(configuration, logger: logger)
        let store = opened.store
        var services = opened.keepers
        let secrets = try await InstallationSecrets.establish(configuration, store: store)
        if let token = secrets.newAdminToken { announce(.adminToken(token)) }
        let metrics = Self.metricsRegistry()
        let core = try await NodeCore(
            opened, acceptingInto: acceptingInto(store), providers: providers(), secretBox: secrets.box,
            configuration: configuration, logger: logger)
        services += core.services
        // A process without the API still tells how it is: health and metrics are there for every role.
        var server = ServerConfiguration(adminTokenHash: secrets.adminTokenHash, version: MartletProgram.version)
        server.host = configuration.http.host
        server.port = configuration.http.port
        server.publicURL = configuration.http.publicURL
        server.tls = configuration.http.tls.map {
            ServerConfiguration.TLS(certificatePath: $0.certificatePath, keyPath: $0.keyPath)
        }
        server.metricsToken = configuration.metricsToken
        server.roles = []
        if configuration.roles.contains(.api) { server.roles.insert(.api) }
        if configuration.roles.contains(.webhooks) { server.roles.insert(.webhooks) }
        services.append(
            buildServer(gateway: core.gateway, configuration: server, metrics: metrics, logger: logger) { address in
                announce(.listening(address.url))
            })
        return services
    }

    /// swift-metrics can be told once in a process where measurements go.
    private static func metricsRegistry() -> PrometheusRegistry { registry }
    private static let registry: PrometheusRegistry = {
        let registry = PrometheusRegistry()
        MetricsSystem.bootstrap(registry)
        return registry
    }()
}

/// The core of a node, put together on any engines.
private struct NodeCore {
    let gateway: Gateway
    let services: [any Service]

    init(
        _ opened: OpenedEngines, acceptingInto: any MessageStore, providers: ProviderRegistry, secretBox: SecretBox,
        configuration: NodeConfiguration, logger: Logger
    ) async throws {
        let store = opened.store
        let time = SteadyTimeSource(opened.time)
        let random = SystemRandomSource()
        let identifiers = IdentifierGenerator(time: time, random: random)
        let directory = Directory(
            store: store, providers: providers, secretBox: secretBox, time: time, identifiers: identifiers,
            isShared: opened.isShared || configuration.roles != Set(Role.allCases))
        try await directory.load()
        let feed = StatusFeed()
        let metrics = PipelineMetrics()
        let rates = SendRates(time: time, store: opened.sendRates)
        let health = HealthRegister()
        health.report("store", isOK: true)
        let observer = PipelineObserver(feed: feed, metrics: metrics, rates: rates, health: health, logger: logger)
        let inbox: any Inbox =
            if let log = opened.inboxLog { SeparateInbox(log: log, store: store, observer: observer) } else { store }
        var services: [any Service] = []
        if let peers = opened.peers {
            services.append(
                StatusExchange(
                    feed, store: store, peers: peers, process: "\(identifiers.next(ProcessKind.self))", time: time,
                    logger: logger))
        }
        var wake: @Sendable (ChannelID, Timestamp) -> Void = { _, _ in }
        var wakeInbox: @Sendable () -> Void = {}
        var wakeReplays: @Sendable () -> Void = {}
        if opened.isShared || configuration.roles != Set(Role.allCases) {
            services.append(DirectoryRefresher(directory: directory, time: time, logger: logger))
        }
        if configuration.roles.contains(.worker) {
            if opened.sendRates != nil { services.append(SendRateReporter(rates, time: time, logger: logger)) }
            let worker = "\(identifiers.next(WorkerKind.self))"
            var parts = Pipeline.Parts(
                store: store, inbox: inbox, directory: directory,
                throttle: Self.throttle(opened, configuration, worker: worker, time: time, observer: observer),
                time: time, random: random, observer: observer, logger: logger)
            parts.brokering = opened.brokering
            parts.storeInbox = opened.inboxLog == nil ? nil : store
            parts.lead = opened.lead?(worker)
            let pipeline = Pipeline(
                parts, configuration: configuration.pipeline, worker: worker, ownsStore: !opened.isShared)
            services.append(opened.worker(pipeline))
            wake = { pipeline.wake($0, dueAt: $1) }
            wakeInbox = { pipeline.wakeInbox() }
            wakeReplays = { pipeline.wakeReplays() }
        }
        gateway = Gateway(
            store: store, inbox: inbox, directory: directory,
            acceptance: Acceptance(
                store: acceptingInto, directory: directory, time: time, identifiers: identifiers,
                idempotencyWindow: configuration.idempotencyWindow, feed: feed, metrics: metrics, wake: wake),
            ingress: WebhookIngress(
                inbox: inbox, directory: directory, time: time, metrics: metrics, wake: wakeInbox),
            feed: feed,
            sessions: SessionControl(directory: directory, timeout: configuration.pipeline.providerTimeout),
            rates: rates, health: health, time: time, wake: wake, wakeReplays: wakeReplays)
        self.services = services
    }

    private static func throttle(
        _ opened: OpenedEngines, _ configuration: NodeConfiguration, worker: String, time: any TimeSource,
        observer: PipelineObserver
    ) -> any Throttle {
        guard let register = opened.register else { return InProcessThrottle(time: time) }
        return SharedThrottle(
            register, worker: worker,
            // From its grant to its being on the way, on the way, and until its answer is noted.
            requestMax: ThrottleGrant.validity + configuration.pipeline.providerTimeout + .seconds(3), time: time
        ) { failure in
            if let failure {
                observer.failed(.throttle, failure, doing: "keep the rates")
            } else {
                observer.answered(.throttle)
            }
        }
    }
}

/// Names worker processes in the store.
private enum WorkerKind: IdentifierKind { static let prefix = "wrk_" }

/// Names processes to one another.
private enum ProcessKind: IdentifierKind { static let prefix = "prc_" }
