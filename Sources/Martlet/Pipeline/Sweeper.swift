import Logging
import ServiceLifecycle

/// The net under everything: leases that ran out, messages that expired, wake-ups that were lost, rows that are too old.
package final class Sweeper: Sendable {
    private let store: any DispatchQueue & Maintenance
    private let directory: Directory
    private let configuration: PipelineConfiguration
    private let time: any TimeSource
    private let worker: String
    private let observer: PipelineObserver
    private let heartbeats: Heartbeats
    private let dispatcher: Dispatcher
    private let reconciler: Reconciler
    private let logger: Logger
    private let signal = WakeSignal()
    private let upkeepSignal = WakeSignal()

    private static let rowsAtOnce = 1000

    package init(
        store: any DispatchQueue & Maintenance, directory: Directory, configuration: PipelineConfiguration,
        time: any TimeSource, worker: String, observer: PipelineObserver, heartbeats: Heartbeats,
        dispatcher: Dispatcher, reconciler: Reconciler, logger: Logger
    ) {
        self.store = store
        self.directory = directory
        self.configuration = configuration
        self.time = time
        self.worker = worker
        self.observer = observer
        self.heartbeats = heartbeats
        self.dispatcher = dispatcher
        self.reconciler = reconciler
        self.logger = logger
    }

    private struct Chore {
        var interval: Duration
        var nextAt: MonotonicInstant
        var body: () async throws(StoreError) -> Void
    }

    /// What every worker does for itself: keeping its leases, looking for what is due, noting what it knows.
    package func keepUp() async {
        await carryOut(
            [
                chore(every: configuration.leaseDuration / 3) { () async throws(StoreError) in try await self.renew() },
                chore(every: .seconds(2)) { () async throws(StoreError) in try await self.dispatcher.refresh() },
                chore(every: .seconds(2)) { () async throws(StoreError) in try await self.directory.flushStatuses() },
                chore(every: .seconds(5)) { () async throws(StoreError) in
                    try await self.store.check()
                    self.observer.storeAnswered()
                },
                chore(every: .seconds(20)) { () async throws(StoreError) in try await self.directory.flushKeyUse() },
            ], as: .upkeep, signal: upkeepSignal)
        try? await directory.flushKeyUse()
    }

    /// What one worker does for all.
    package func run() async {
        await carryOut(
            [
                chore(every: .seconds(1)) { () async throws(StoreError) in try await self.expire() },
                chore(every: .seconds(1)) { () async throws(StoreError) in try await self.recover(allOthers: false) },
                chore(every: .seconds(5)) { () async throws(StoreError) in try await self.store.wipeTraces() },
                chore(every: .seconds(60)) { () async throws(StoreError) in try await self.purge() },
                chore(every: .seconds(600)) { () async throws(StoreError) in try await self.removeOld() },
            ], as: .sweeper, signal: signal)
    }

    private func chore(
        every interval: Duration, _ body: @escaping () async throws(StoreError) -> Void
    ) -> Chore {
        Chore(interval: interval, nextAt: time.monotonicNow() + interval, body: body)
    }

    private func carryOut(_ chores: [Chore], as loop: Heartbeats.Loop, signal: WakeSignal) async {
        var chores = chores
        await withGracefulShutdownHandler {
            while !Task.isShuttingDownGracefully, !Task.isCancelled {
                heartbeats.beat(loop)
                let now = time.monotonicNow()
                for index in chores.indices where chores[index].nextAt <= now {
                    do throws(StoreError) { try await chores[index].body() } catch {
                        observer.storeFailed(error, doing: "tidy up")
                    }
                    chores[index].nextAt = time.monotonicNow() + chores[index].interval
                }
                let next = chores.map(\.nextAt).min() ?? now + .seconds(1)
                await signal.wait(atMost: max(.milliseconds(10), next - time.monotonicNow()), time: time)
            }
        } onGracefulShutdown: {
            signal.signal()
        }
    }

    /// Extends the leases of what this worker has claimed; the shutdown goes on doing it while requests are in flight.
    package func renew() async throws(StoreError) {
        guard dispatcher.inFlight > 0 else { return }
        try await store.renewLeases(worker: worker, until: time.now() + configuration.leaseDuration)
    }

    /// Takes over claims of dead workers. Their attempts may or may not have been sent: unknown.
    package func recover(allOthers: Bool) async throws(StoreError) {
        let now = time.now()
        while true {
            heartbeats.beat(.sweeper)
            let count = try await store.recoverLeases(
                now: now, worker: worker, includingUnexpired: allOthers, decideAt: now + configuration.unknownWait,
                limit: Self.rowsAtOnce)
            if count > 0 {
                logger.notice("took over claims of a worker that is gone", metadata: ["count": "\(count)"])
                reconciler.look(at: time.now())
            }
            if count < Self.rowsAtOnce { return }
        }
    }

    private func expire() async throws(StoreError) {
        while true {
            heartbeats.beat(.sweeper)
            let expired = try await store.expire(now: time.now(), limit: Self.rowsAtOnce)
            observer.changed(expired)
            if expired.count < Self.rowsAtOnce { return }
        }
    }

    private func purge() async throws(StoreError) {
        let kept = LimitKeeper.historyNeeded(by: directory)
        for _ in 0..<100 {
            heartbeats.beat(.sweeper)
            let removed = try await store.purge(now: time.now(), keepingClaimsFor: kept, limit: Self.rowsAtOnce)
            if removed < Self.rowsAtOnce { return }
        }
    }

    private func removeOld() async throws(StoreError) {
        guard let retention = configuration.retention else { return }
        let before = time.now() - retention
        for _ in 0..<1000 {
            heartbeats.beat(.sweeper)
            if try await store.removeFinal(createdBefore: before, limit: Self.rowsAtOnce) < Self.rowsAtOnce { return }
        }
    }
}
