import Logging
import ServiceLifecycle

/// Everything a worker does, as one service: dispatching, look-ups, webhooks, watching sessions, bulk replays, tidying up.
package final class Pipeline: Service {
    private let dispatcher: Dispatcher
    private let reconciler: Reconciler
    private let inboxProcessor: InboxProcessor
    private let sessionMonitor: SessionMonitor
    private let replayer: Replayer
    private let sweeper: Sweeper
    private let ownsStore: Bool
    private let observer: PipelineObserver
    private let heartbeats: Heartbeats
    private let time: any TimeSource

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
        observer = parts.observer
        time = parts.time
        // A turn may wait for a provider that takes its time.
        let heartbeats = Heartbeats(time: parts.time, turnMax: configuration.providerTimeout)
        self.heartbeats = heartbeats
        parts.observer.watch { heartbeats.checks }
        // The dispatcher and the reconciler wake each other; the box is filled before either runs.
        let lookUp = LateCall<Timestamp>()
        let dispatcher = Dispatcher(
            store: parts.store, directory: parts.directory, throttle: parts.throttle, configuration: configuration,
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
            sessionChanged: { await sessionMonitor.sessionChanged($0, isUp: $1, detail: $2) })
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
    package func wake(_ channel: ChannelID, dueAt: Timestamp) { dispatcher.wake(channel, dueAt: dueAt) }

    /// A webhook was stored.
    package func wakeInbox() { inboxProcessor.processSoon() }

    /// A bulk replay was stored.
    package func wakeReplays() { replayer.lookSoon() }

    /// Runs until the service shuts down. Returns when everything in flight is settled.
    package func run() async throws {
        await start()
        heartbeats.begin()
        await withDiscardingTaskGroup { group in
            group.addTask { await self.dispatcher.run() }
            group.addTask { await self.reconciler.run() }
            group.addTask { await self.inboxProcessor.run() }
            group.addTask { await self.sessionMonitor.run() }
            group.addTask { await self.replayer.run() }
            group.addTask { await self.sweeper.run() }
        }
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
