import AsyncHTTPClient
import Hummingbird
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import Synchronization

/// A provider simulator: an HTTP server that behaves as WasenderApi does, keeps a ledger of what it accepted, posts
/// the webhooks, and fails on request.
///
/// It knows nothing of the rest of Martlet, so that it can judge it. WasenderApi's base URL is `http://HOST:PORT/api`;
/// what is the sandbox's own is below `/_sandbox`. It prints nothing; a command or a test learns the port from
/// `onReady` or ``port``.
package final class Sandbox: Service {
    private let configuration: SandboxConfiguration
    private let logger: Logger
    private let onReady: @Sendable (Int) async -> Void
    private let client: HTTPClient
    private let core: SandboxCore
    private let boundPort = Mutex<Int?>(nil)

    /// - Parameters:
    ///   - configuration: how to behave.
    ///   - logger: gets what a developer of the sandbox wants to know, at `debug` and `trace`; never a key or a body.
    ///   - onReady: called with the bound port once requests are served.
    package init(
        configuration: SandboxConfiguration, logger: Logger,
        onReady: @escaping @Sendable (Int) async -> Void = { _ in }
    ) {
        self.configuration = configuration
        self.logger = logger
        self.onReady = onReady
        var settings = HTTPClient.Configuration()
        settings.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = max(1, configuration.webhookConcurrency)
        settings.timeout.connect = .seconds(5)
        settings.redirectConfiguration = .disallow
        client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: settings)
        let courier = WebhookCourier(
            client: client, concurrency: configuration.webhookConcurrency,
            capacity: configuration.webhookQueueCapacity, logger: logger)
        core = SandboxCore(
            configuration: configuration, courier: courier, timers: MultiThreadedEventLoopGroup.singleton.any())
    }

    /// The port that is listened on, once it is.
    package var port: Int? { boundPort.withLock(\.self) }

    /// Serves until graceful shutdown or cancellation. Can be called once.
    ///
    /// - Throws: what the server throws, above all when the address cannot be bound.
    package func run() async throws {
        // The server reports every connection that is cut as an error; here that is daily business.
        var quiet = logger
        quiet.logLevel = .critical
        let application = Application(
            router: makeRouter(),
            configuration: ApplicationConfiguration(
                address: .hostname(configuration.host, port: configuration.port), serverName: "martlet-sandbox"),
            onServerRunning: { channel in
                guard let port = channel.localAddress?.port else { return }
                self.boundPort.withLock { $0 = port }
                await self.onReady(port)
            },
            logger: quiet)
        let result: Result<Void, any Error>
        do {
            try await withTaskCancellationOrGracefulShutdownHandler {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { await self.core.courier.run() }
                    defer { group.cancelAll() }
                    try await application.run()
                }
            } onCancelOrGracefulShutdown: {
                // Held requests would keep the server from closing their connections.
                self.core.stop()
            }
            result = .success(())
        } catch {
            result = .failure(error)
        }
        core.stop()
        try await client.shutdown()
        try result.get()
    }

    /// Accepted sends in order.
    ///
    /// - Parameters:
    ///   - sequence: only those after this place.
    ///   - limit: how many at most.
    package func ledger(since sequence: Int = 0, limit: Int = .max) -> [LedgerEntry] {
        core.decide { state, _ in state.ledger.entries(after: sequence, limit: limit) }
    }

    /// What was counted since the start or the last reset.
    package var statistics: SandboxStatistics { core.statistics() }

    /// Makes something go wrong.
    ///
    /// - Returns: the fault's number; `nil` when a thousand are in force already.
    @discardableResult
    package func begin(_ fault: SandboxFault) -> Int? {
        core.decide { state, now in state.begin(fault, at: now)?.id }
    }

    /// Ends all faults; requests they hold are let go, unanswered.
    ///
    /// - Returns: how many were in force.
    @discardableResult
    package func endFaults() -> Int {
        let count = core.decide { state, now in state.endFaults(at: now) }
        core.held.release()
        return count
    }

    /// Forgets sends, sessions, faults and statistics.
    package func reset() {
        core.reset()
    }

    private func makeRouter() -> Router<SandboxRequestContext> {
        let router = Router(context: SandboxRequestContext.self)
        router.addMiddleware { AnswerEverything() }
        ControlRoutes(core: core).add(to: router.group("_sandbox"))
        let api = router.group("api")
        WasenderMessageRoutes(core: core).add(to: api)
        WasenderSessionRoutes(core: core).add(to: api)
        WasenderDirectoryRoutes(core: core).add(to: api)
        return router
    }
}
