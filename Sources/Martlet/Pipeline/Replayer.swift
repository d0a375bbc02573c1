import ServiceLifecycle

/// Runs bulk replays: takes running jobs, one after another a portion of each, at the pace each was given.
///
/// A job's place is stored with the messages that were queued, so a process that ends at any moment leaves a job which the
/// next one carries on where it stood.
package final class Replayer: Sendable {
    /// How often jobs are looked for and leases extended.
    private static let claimInterval: Duration = .seconds(1)
    /// Letters in one transaction at most.
    private static let batchMax = 200
    /// Letters that are read beyond those that may go now, as what is skipped does not count against the pace.
    private static let lookAhead = 32

    private struct Run: Sendable {
        var job: ReplayJob
        var pace: ReplayPace
        var nextAt: MonotonicInstant
    }

    private let store: any ReplayStore
    private let directory: Directory
    private let configuration: PipelineConfiguration
    private let time: any TimeSource
    private let worker: String
    private let ownsStore: Bool
    private let observer: PipelineObserver
    private let heartbeats: Heartbeats
    private let wake: @Sendable (ChannelID, Timestamp) -> Void
    private let signal = WakeSignal()

    /// - Parameters:
    ///   - ownsStore: no other worker can be on the store, so that a job which is another's is a dead process's.
    ///   - wake: called when messages became due.
    package init(
        store: any ReplayStore, directory: Directory, configuration: PipelineConfiguration, time: any TimeSource,
        worker: String, ownsStore: Bool, observer: PipelineObserver, heartbeats: Heartbeats,
        wake: @escaping @Sendable (ChannelID, Timestamp) -> Void
    ) {
        self.store = store
        self.directory = directory
        self.configuration = configuration
        self.time = time
        self.worker = worker
        self.ownsStore = ownsStore
        self.observer = observer
        self.heartbeats = heartbeats
        self.wake = wake
    }

    /// A job was stored.
    package func lookSoon() { signal.signal() }

    /// Runs until the service shuts down; a portion that was begun is stored first.
    package func run() async {
        await withGracefulShutdownHandler {
            var runs: [ReplayID: Run] = [:]
            var takesOver = ownsStore
            var claimAt = time.monotonicNow()
            while !Task.isShuttingDownGracefully, !Task.isCancelled {
                heartbeats.beat(.replays)
                var pause = Self.claimInterval
                do throws(StoreError) {
                    if runs.isEmpty || claimAt <= time.monotonicNow() {
                        try await claim(&runs, takingOver: takesOver)
                        takesOver = false
                        claimAt = time.monotonicNow() + Self.claimInterval
                    }
                    for id in runs.keys.sorted() {
                        guard let run = runs[id], run.nextAt <= time.monotonicNow() else { continue }
                        runs[id] = try await advance(run)
                    }
                    let now = time.monotonicNow()
                    pause = runs.values.map { $0.nextAt - now }.reduce(claimAt - now, min)
                } catch {
                    observer.storeFailed(error, doing: "replay dead letters")
                }
                if pause > .zero { await signal.wait(atMost: pause, time: time) }
            }
        } onGracefulShutdown: {
            self.signal.signal()
        }
    }

    private func claim(_ runs: inout [ReplayID: Run], takingOver: Bool) async throws(StoreError) {
        let now = time.now()
        let jobs = try await store.claimReplayJobs(
            worker: worker, now: now, leaseUntil: now + configuration.leaseDuration, takingOver: takingOver)
        let moment = time.monotonicNow()
        var claimed: [ReplayID: Run] = [:]
        for job in jobs {
            var run =
                runs[job.id] ?? Run(job: job, pace: ReplayPace(perSecond: job.perSecond, now: moment), nextAt: moment)
            run.job = job
            claimed[job.id] = run
        }
        runs = claimed
    }

    /// Takes the next portion of a job.
    /// - returns: how it goes on; nil when the job is over or no longer this worker's.
    private func advance(_ run: Run) async throws(StoreError) -> Run? {
        var run = run
        let allowed = run.pace.available(now: time.monotonicNow())
        guard allowed > 0 else {
            run.nextAt = time.monotonicNow() + run.pace.untilNextPortion
            return run
        }
        let limit = min(Self.batchMax, allowed + Self.lookAhead)
        let letters = try await store.deadLetters(of: run.job, limit: limit)
        let now = time.now()
        var items: [ReplayStep.Item] = []
        var taken = 0
        for letter in letters {
            let decision = decide(run.job, letter, now: now)
            if case .replay = decision {
                guard taken < allowed else { break }
                taken += 1
            }
            items.append(ReplayStep.Item(message: letter.id, decision: decision))
        }
        let isLast = letters.count < limit && items.count == letters.count
        let step = ReplayStep(
            job: run.job.id, worker: worker, cursor: run.job.cursor, items: items, isLast: isLast,
            leaseUntil: now + configuration.leaseDuration)
        guard let advance = try await store.advance(step, now: now) else { return nil }
        observer.changed(advance.replayed)
        wakeChannels(of: advance.replayed, now: now)
        guard advance.job.status == .running else {
            observer.replayOver(advance.job)
            return nil
        }
        run.job = advance.job
        run.pace.take(taken)
        // A portion that was spent is waited for; when all was skipped, the next letters come at once.
        if taken == allowed { run.nextAt = time.monotonicNow() + run.pace.untilNextPortion }
        return run
    }

    private func decide(_ job: ReplayJob, _ letter: Message, now: Timestamp) -> ReplayStep.Decision {
        let channel = directory.channel(letter.channelID)
        return job.decision(
            on: letter, channel: channel, provider: channel.flatMap { directory.providers[$0.provider] }, now: now)
    }

    private func wakeChannels(of messages: [Message], now: Timestamp) {
        var dueAt: [ChannelID: Timestamp] = [:]
        for message in messages {
            let due = message.job?.dueAt ?? now
            dueAt[message.channelID] = min(due, dueAt[message.channelID] ?? due)
        }
        for (channel, due) in dueAt.sorted(by: { $0.key < $1.key }) { wake(channel, due) }
    }
}
