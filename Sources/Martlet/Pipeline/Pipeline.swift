import Logging
import ServiceLifecycle

/// Everything a worker does, as one service: dispatching, look-ups, webhooks, watching sessions, bulk replays, tidying up.
///
/// Where several workers share a store, each dispatches and processes webhooks, and one of them leads: it does the rest for
/// all.
package final class Pipeline: Service {
    private let throttle: any Throttle
    private let dispatcher: Dispatcher
    private let receiver: JobReceiver?
    private let relay: OutboxRelay?
    private let queue: BrokeredQueue?
    private let storeInboxProcessor: InboxProcessor?
    private let lead: Lead?
    private let reconciler: Reconciler
    private let inboxProcessor: InboxProcessor
    private let sessionMonitor: SessionMonitor
    private let replayer: Replayer
    private let sweeper: Sweeper
    private let ownsStore: Bool
    private let observer: PipelineObserver
    private let heartbeats: Heartbeats
    private let time: any TimeSource

    /// Runs the body whenever this worker leads, until the service shuts down.
    package typealias Lead = @Sendable (_ body: @escaping @Sendable () async -> Void) async -> Void

    /// What a pipeline runs on.
    package struct Parts: Sendable {
        package var store: any Store
        package var inbox: any Inbox
        package var directory: Directory
        package var throttle: any Throttle
        package var time: any TimeSource
        package var random: any RandomSource
        package var observer: PipelineObserver
        package var logger: Logger
        /// Where the queue is a broker: it, and the store with the outbox.
        package var brokering: (broker: any JobBroker, outbox: any OutboxStore)?
        /// Where ``inbox`` is not the store's: that, with what was set aside and taken back.
        package var storeInbox: (any Inbox)?
        /// Where other workers may be on the store.
        package var lead: Lead?

        package init(
            store: any Store, inbox: any Inbox, directory: Directory, throttle: any Throttle, time: any TimeSource,
            random: any RandomSource, observer: PipelineObserver, logger: Logger
        ) {
            self.store = store
            self.inbox = inbox
            self.directory = directory
            self.throttle = throttle
            self.time = time
            self.random = random
            self.observer = observer
            self.logger = logger
        }
    }

    /// - Parameters:
    ///   - worker: a name no other worker on the store has.
    ///   - ownsStore: no other worker can be on the store, so claims of others are a dead process's and are taken over at
    ///     once instead of when their leases run out.
    package init(_ parts: Parts, configuration: PipelineConfiguration, worker: String, ownsStore: Bool) {
        self.ownsStore = ownsStore
        throttle = parts.throttle
        observer = parts.observer
        time = parts.time
        // A turn may wait for a provider that takes its time.
        let heartbeats = Heartbeats(time: parts.time, turnMax: configuration.providerTimeout)
        self.heartbeats = heartbeats
        parts.observer.watch { heartbeats.checks }
        // The dispatcher and the reconciler wake each other; the box is filled before either runs.
        let lookUp = LateCall<Timestamp>()
        let brokered = parts.brokering.map { BrokeredQueue(store: $0.outbox, time: parts.time) }
        let queue: any DispatchQueue = brokered ?? parts.store
        let dispatcher = Dispatcher(
            store: queue, directory: parts.directory, throttle: parts.throttle, configuration: configuration,
            time: parts.time, random: parts.random, worker: worker, observer: parts.observer, heartbeats: heartbeats,
            logger: parts.logger, lookUp: { lookUp.call($0) })
        let reconciler = Reconciler(
            store: parts.store, directory: parts.directory, configuration: configuration, time: parts.time,
            random: parts.random, observer: parts.observer, heartbeats: heartbeats,
            wake: { dispatcher.wake($0, dueAt: $1) })
        lookUp.set { [weak reconciler] in reconciler?.look(at: $0) }
        let sessionMonitor = SessionMonitor(
            directory: parts.directory, throttle: parts.throttle, configuration: configuration, time: parts.time,
            observer: parts.observer, heartbeats: heartbeats)
        inboxProcessor = InboxProcessor(
            inbox: parts.inbox, store: parts.store, directory: parts.directory, configuration: configuration,
            time: parts.time, observer: parts.observer, heartbeats: heartbeats,
            idleMax: parts.storeInbox == nil ? .seconds(1) : .milliseconds(10),
            sessionChanged: { await sessionMonitor.sessionChanged($0, isUp: $1, detail: $2) })
        storeInboxProcessor = parts.storeInbox.map { inbox in
            InboxProcessor(
                inbox: inbox, store: parts.store, directory: parts.directory, configuration: configuration,
                time: parts.time, observer: parts.observer, heartbeats: heartbeats, loop: .storeInbox,
                sessionChanged: { await sessionMonitor.sessionChanged($0, isUp: $1, detail: $2) })
        }
        relay = parts.brokering.map { brokering in
            OutboxRelay(
                store: brokering.outbox, broker: brokering.broker, time: parts.time, observer: parts.observer,
                heartbeats: heartbeats)
        }
        receiver = parts.brokering.flatMap { brokering in
            brokered.map { queue in
                JobReceiver(
                    broker: brokering.broker, queue: queue, time: parts.time, observer: parts.observer,
                    heartbeats: heartbeats, wake: { dispatcher.wake($0, dueAt: $1) })
            }
        }
        self.queue = brokered
        lead = parts.lead
        sweeper = Sweeper(
            store: parts.store, directory: parts.directory, configuration: configuration, time: parts.time,
            worker: worker, observer: parts.observer, heartbeats: heartbeats, dispatcher: dispatcher,
            reconciler: reconciler, logger: parts.logger)
        replayer = Replayer(
            store: parts.store, directory: parts.directory, configuration: configuration, time: parts.time,
            worker: worker, ownsStore: ownsStore, observer: parts.observer, heartbeats: heartbeats,
            wake: { dispatcher.wake($0, dueAt: $1) })
        self.dispatcher = dispatcher
        self.reconciler = reconciler
        self.sessionMonitor = sessionMonitor
    }

    /// A message of the channel is due then.
    package func wake(_ channel: ChannelID, dueAt: Timestamp) {
        relay?.publishSoon()
        if let queue {
            // The broker brings it; while that is away, it is in the store.
            guard queue.isBrokerAway else { return }
            queue.takeFromStore(channel)
        }
        dispatcher.wake(channel, dueAt: dueAt)
    }

    /// A webhook was stored.
    package func wakeInbox() { inboxProcessor.processSoon() }

    /// A bulk replay was stored.
    package func wakeReplays() { replayer.lookSoon() }

    /// Runs until the service shuts down. Returns when everything in flight is settled.
    package func run() async throws {
        await start()
        await throttle.serve { await self.work() }
    }

    private func work() async {
        heartbeats.begin(Heartbeats.Loop.ofEveryWorker)
        await withDiscardingTaskGroup { group in
            group.addTask { await self.dispatcher.run() }
            group.addTask { await self.inboxProcessor.run() }
            group.addTask { await self.sweeper.keepUp() }
            if let receiver {
                heartbeats.begin([.receiver])
                group.addTask { await receiver.run() }
            }
            if let storeInboxProcessor {
                heartbeats.begin([.storeInbox])
                group.addTask { await storeInboxProcessor.run() }
            }
            group.addTask {
                guard let lead = self.lead else { return await self.leadOthers() }
                await lead { await self.leadOthers() }
            }
        }
    }

    /// What one worker does for all.
    private func leadOthers() async {
        let loops = Heartbeats.Loop.ofTheLeader.union(relay == nil ? [] : [.relay])
        heartbeats.begin(loops)
        await withDiscardingTaskGroup { group in
            group.addTask { await self.reconciler.run() }
            group.addTask { await self.sessionMonitor.run() }
            group.addTask { await self.replayer.run() }
            group.addTask { await self.sweeper.run() }
            if let relay { group.addTask { await relay.run() } }
        }
        heartbeats.end(loops)
    }

    /// Takes over what was left behind; waits for the store where it is away.
    private func start() async {
        var wait: Duration = .milliseconds(100)
        while !Task.isShuttingDownGracefully, !Task.isCancelled {
            do throws(StoreError) {
                try await sweeper.recover(allOthers: ownsStore)
                try await dispatcher.refresh()
                return
            } catch {
                observer.storeFailed(error, doing: "take over what was left behind")
            }
            try? await time.sleep(for: wait)
            wait = min(wait * 2, .seconds(5))
        }
    }
}
