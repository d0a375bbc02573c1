import Logging
import Martlet
import MartletTestSupport
import Synchronization

/// One run of the service's process: everything it knows besides what is in the store, from its start to its end.
final class Node: Sendable {
    let lifeline: Lifeline
    let directory: Directory
    let acceptance: Acceptance
    let ingress: WebhookIngress
    let store: any Store & Inbox
    /// What outlives a node.
    struct Surroundings: Sendable {
        var scenario: Scenario
        var seed: UInt64
        var mutation: Mutation?
        var time: VirtualTime
        var data: MemoryStore
        var conditions: StoreConditions
        var remote: RemoteProvider
        var agenda: Agenda
        var identifiers: IdentifierGenerator
        var log: RunLog
        var trace: Trace
        /// Where nodes share their limits.
        var shared: (register: SharedRegister, leads: Leads)?
    }

    init(_ surroundings: Surroundings, incarnation: Int) {
        let time = SteadyTimeSource(surroundings.time)
        let lifeline = Lifeline(
            incarnation: incarnation, time: time, conditions: surroundings.conditions, log: surroundings.log,
            trace: surroundings.trace, goesOn: surroundings.shared != nil)
        self.lifeline = lifeline
        let connection = MemoryStore(connectedTo: surroundings.data)
        connection.interpose(
            { operation throws(StoreError) in try await lifeline.before(operation) },
            after: { operation throws(StoreError) in try await lifeline.after(operation) })
        let watched = WatchedStore(
            connection: connection, data: surroundings.data, lifeline: lifeline, log: surroundings.log,
            trace: surroundings.trace)
        let throttle = Self.throttle(surroundings, lifeline)
        let anyThrottle: any Throttle
        if let mutation = surroundings.mutation {
            store = MutatedStore(base: watched, mutation: mutation, agenda: surroundings.agenda)
            anyThrottle = MutatedThrottle(base: throttle, mutation: mutation)
        } else {
            store = watched
            anyThrottle = throttle
        }
        let chance = Chance(seed: surroundings.seed, for: "line \(incarnation)")
        let links = Scenario.ProviderKind.allCases.map {
            ProviderLink(
                $0, remote: surroundings.remote, lifeline: lifeline, chance: chance, mutation: surroundings.mutation)
        }
        guard let secretBox = SecretBox(key: [UInt8](repeating: 7, count: 32)) else { preconditionFailure("32 bytes") }
        directory = Directory(
            store: store, providers: ProviderRegistry(links), secretBox: secretBox, time: time,
            identifiers: surroundings.identifiers, isShared: surroundings.shared != nil)
        let logger = Logger(label: "simulation") { _ in SwiftLogNoOpLogHandler() }
        let metrics = PipelineMetrics()
        let feed = StatusFeed()
        let observer = PipelineObserver(
            feed: feed, metrics: metrics, rates: SendRates(time: time), health: HealthRegister(), logger: logger)
        let pipeline = LateCall<(ChannelID, Timestamp)>()
        let wakeInbox = LateCall<Void>()
        acceptance = Acceptance(
            store: store, directory: directory, time: time, identifiers: surroundings.identifiers,
            idempotencyWindow: .seconds(86_400), feed: feed, metrics: metrics, wake: { pipeline.call(($0, $1)) })
        ingress = WebhookIngress(
            inbox: store, directory: directory, time: time, metrics: metrics, wake: { wakeInbox.call(()) })
        var parts = Pipeline.Parts(
            store: store, inbox: store, directory: directory, throttle: anyThrottle, time: time,
            random: Chance(seed: surroundings.seed, for: "node \(incarnation)"), observer: observer, logger: logger)
        if let leads = surroundings.shared?.leads {
            parts.lead = { body in await leads.lead(lifeline, body) }
        }
        self.parts = parts
        isShared = surroundings.shared != nil
        configuration = surroundings.scenario.configuration
        ownsStore = surroundings.scenario.ownsStore
        wakePipeline = pipeline
        self.wakeInbox = wakeInbox
    }

    private static func throttle(_ surroundings: Surroundings, _ lifeline: Lifeline) -> any Throttle {
        guard let register = surroundings.shared?.register else { return InProcessThrottle(time: lifeline.time) }
        return SharedThrottle(
            NodeRegister(shared: register, lifeline: lifeline),
            worker: workerName(lifeline),
            requestMax: ThrottleGrant.validity + surroundings.scenario.configuration.providerTimeout + .seconds(3),
            time: lifeline.time
        ) { _ in }
    }

    private static func workerName(_ lifeline: Lifeline) -> String { "worker-\(lifeline.incarnation)" }

    private let parts: Pipeline.Parts
    private let configuration: PipelineConfiguration
    private let ownsStore: Bool
    private let isShared: Bool
    private let wakePipeline: LateCall<(ChannelID, Timestamp)>
    private let wakeInbox: LateCall<Void>
    private let isReadyFlag = Mutex(false)
    private let stopping = WakeSignal()

    /// Whether it has read its directory and answers.
    var isReady: Bool { isReadyFlag.withLock { $0 } && !lifeline.isDead }

    /// Ends the process in good order: its tasks are cancelled, and what came of them is stored.
    func stop() { stopping.signal() }

    func wake(_ channel: ChannelID) { wakePipeline.call((channel, lifeline.time.now())) }

    /// Runs until the node dies, or is stopped and has put away what it had in hand.
    func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.serve() }
            group.addTask { [time = parts.time] in
                while !Task.isCancelled, !self.lifeline.isDead {
                    await self.lifeline.end.wait(atMost: .seconds(86_400), time: time)
                }
            }
            group.addTask { [time = parts.time] in await self.stopping.wait(atMost: .seconds(1_000_000), time: time) }
            await group.next()
            isReadyFlag.withLock { $0 = false }
            group.cancelAll()
        }
        lifeline.die("it was stopped")
    }

    private func serve() async {
        while !Task.isCancelled {
            do {
                try await directory.load()
                break
            } catch {
                try? await parts.time.sleep(for: .milliseconds(300))
            }
        }
        guard !Task.isCancelled, !lifeline.isDead else { return }
        let pipeline = Pipeline(
            parts, configuration: configuration, worker: Self.workerName(lifeline), ownsStore: ownsStore)
        wakePipeline.set { pipeline.wake($0.0, dueAt: $0.1) }
        wakeInbox.set { pipeline.wakeInbox() }
        isReadyFlag.withLock { $0 = true }
        await withTaskGroup(of: Void.self) { group in
            if isShared { group.addTask { await self.refreshDirectory() } }
            try? await pipeline.run()
            group.cancelAll()
        }
    }

    /// Keeps up with what is changed over other nodes.
    private func refreshDirectory() async {
        while !Task.isCancelled {
            try? await parts.time.sleep(for: DirectoryRefresher.interval)
            try? await directory.refresh()
        }
    }
}
