import Logging
import Martlet

/// A whole pipeline on a store in memory and a fake provider, inside a ``Simulation``.
package struct PipelineHarness: Sendable {
    package let simulation: Simulation
    package let store: MemoryStore
    package let provider: FakeProvider
    package let directory: Directory
    package let feed = StatusFeed()
    package let health = HealthRegister()
    package let rates: SendRates
    package let random: SeededRandomSource
    package let identifiers: IdentifierGenerator
    package let throttle: InProcessThrottle
    package let configuration: PipelineConfiguration
    /// The node's clock, which never goes back.
    package let steadyTime: SteadyTimeSource

    package var time: VirtualTime { simulation.time }

    package init(
        simulation: Simulation, provider: FakeProvider, configuration: PipelineConfiguration = PipelineConfiguration(),
        seed: UInt64 = 1
    ) {
        self.simulation = simulation
        self.provider = provider
        self.configuration = configuration
        steadyTime = SteadyTimeSource(simulation.time)
        random = SeededRandomSource(seed: seed)
        identifiers = IdentifierGenerator(time: simulation.time, random: random)
        store = MemoryStore(identifiers: identifiers)
        rates = SendRates(time: simulation.time)
        throttle = InProcessThrottle(time: simulation.time)
        guard let secretBox = SecretBox(key: [UInt8](repeating: 7, count: 32)) else { preconditionFailure("32 bytes") }
        directory = Directory(
            store: store, providers: ProviderRegistry([provider]), secretBox: secretBox, time: steadyTime,
            identifiers: identifiers)
    }

    /// What a restart finds: the same store, provider and clock, and nothing of what the process knew.
    ///
    /// - parameter settling: false makes a process that dies before it can store what came of its attempts.
    package init(restarting other: PipelineHarness, settling: Bool = true) {
        simulation = other.simulation
        provider = other.provider
        configuration = other.configuration
        steadyTime = SteadyTimeSource(other.simulation.time)
        random = other.random
        identifiers = other.identifiers
        store = other.store
        rates = SendRates(time: other.simulation.time)
        throttle = InProcessThrottle(time: other.simulation.time)
        guard let secretBox = SecretBox(key: [UInt8](repeating: 7, count: 32)) else { preconditionFailure("32 bytes") }
        directory = Directory(
            store: store, providers: ProviderRegistry([provider]), secretBox: secretBox, time: steadyTime,
            identifiers: identifiers)
        if !settling {
            store.interpose { operation throws(StoreError) in
                if operation == .settle { throw StoreError(.unusable, "the process is dead") }
            }
        }
    }

    /// A running node: what accepts, what takes webhooks, and the pipeline behind both.
    package struct Node: Sendable {
        package let acceptance: Acceptance
        package let ingress: WebhookIngress
        package let pipeline: Pipeline
    }

    /// Runs the body against a node, then kills the node: its tasks are cancelled wherever they are.
    /// - parameter other: a throttle in the place of the harness's.
    package func withNode<Success: Sendable>(
        worker: String = "worker-1", throttle other: (any Throttle)? = nil,
        _ body: @Sendable (Node) async throws -> Success
    ) async throws -> Success {
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let metrics = PipelineMetrics()
        let observer = PipelineObserver(feed: feed, metrics: metrics, rates: rates, health: health, logger: logger)
        let pipeline = Pipeline(
            .init(
                store: store, inbox: store, directory: directory, throttle: other ?? throttle, time: steadyTime,
                random: random, observer: observer, logger: logger),
            configuration: configuration, worker: worker, ownsStore: true)
        let node = Node(
            acceptance: Acceptance(
                store: store, directory: directory, time: steadyTime, identifiers: identifiers,
                idempotencyWindow: .seconds(86_400), feed: feed, metrics: metrics,
                wake: { pipeline.wake($0, dueAt: $1) }),
            ingress: WebhookIngress(
                inbox: store, directory: directory, time: steadyTime, metrics: metrics, wake: { pipeline.wakeInbox() }),
            pipeline: pipeline)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await pipeline.run() }
            defer { group.cancelAll() }
            return try await body(node)
        }
    }

    /// A tenant with one channel.
    package func makeChannel(
        _ name: String = "main", tenant: Tenant? = nil, limits: [RateLimit]? = nil, recipientInterval: Duration? = nil
    ) async throws -> Channel {
        let owner: Tenant
        if let tenant { owner = tenant } else { owner = try await directory.createTenant(name: "acme", limits: []) }
        return try await directory.createChannel(
            Channel(
                id: ChannelID(unchecked: ""), tenantID: owner.id, name: name, provider: provider.name,
                credentials: Secret(["api_key": "k"]), webhookSecret: Secret("s3cret"), webhookToken: "",
                limits: limits, recipientInterval: recipientInterval, statusSince: time.now(), createdAt: time.now()))
    }

    /// A request to send a text.
    package func draft(
        _ text: String = "hello", to: String = "+14155550123", channel: Channel,
        change: (inout JSONObject) -> Void = { _ in }
    ) throws -> MessageDraft {
        var body: JSONObject = [
            "channel": .string(channel.name), "to": .string(to), "type": "text", "text": ["body": .string(text)],
        ]
        change(&body)
        return try MessageDraft.read(.object(body), now: time.now()).get()
    }

    /// Waits in virtual time until something holds; gives up after that long.
    package func wait(
        upTo limit: Duration = .seconds(3600), every interval: Duration = .milliseconds(50),
        until condition: @Sendable () async throws -> Bool
    ) async throws {
        let end = time.monotonicNow() + limit
        while try await !condition() {
            guard time.monotonicNow() < end else { throw TimedOut() }
            try await time.sleep(for: interval)
        }
    }

    package struct TimedOut: Error {}

    /// Waits until no message is queued any more.
    package func waitUntilNothingIsQueued(upTo limit: Duration = .seconds(3600)) async throws {
        try await wait(upTo: limit, every: .milliseconds(500)) { store.allMessages.allSatisfy { $0.status != .queued } }
    }

    /// Posts a webhook of the fake provider's format.
    package func webhook(_ channel: Channel, _ body: JSONValue, to node: Node) async -> WebhookIngress.Answer {
        await node.ingress.receive(
            channel: channel.id.text, token: channel.webhookToken, headers: ["x-webhook-signature": "s3cret"],
            body: body.encoded())
    }
}

extension AcceptanceResult {
    /// The message of a request that was accepted or replayed.
    package var message: Message? {
        switch self {
        case .accepted(let message), .replayed(let message): message
        case .conflict: nil
        }
    }
}
