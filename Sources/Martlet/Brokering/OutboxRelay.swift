import ServiceLifecycle
import Synchronization

/// Publishes what the outbox holds, in batches that the broker confirms before they are taken out.
package final class OutboxRelay: Sendable {
    private static let batchMax = 1000
    /// Jobs of one channel that are published one by one, of those that are due; the rest is told of with one notice.
    private static let perChannelMax = 100
    /// For how long a channel that has a backlog is taken to have one still.
    private static let backlogMin: Duration = .seconds(2)
    private static let idleMax: Duration = .seconds(1)
    private static let pauseMax: Duration = .seconds(2)

    private let store: any OutboxStore
    private let broker: any JobBroker
    private let time: any TimeSource
    private let observer: PipelineObserver
    private let heartbeats: Heartbeats
    private let signal = WakeSignal()
    /// Channels whose backlog was told of, and when.
    private let toldOfBacklog = Mutex<[ChannelID: MonotonicInstant]>([:])

    package init(
        store: any OutboxStore, broker: any JobBroker, time: any TimeSource, observer: PipelineObserver,
        heartbeats: Heartbeats
    ) {
        self.store = store
        self.broker = broker
        self.time = time
        self.observer = observer
        self.heartbeats = heartbeats
    }

    /// Something was noted in the outbox.
    package func publishSoon() { signal.signal() }

    package func run() async {
        await withGracefulShutdownHandler {
            var pause: Duration = .milliseconds(100)
            while !Task.isShuttingDownGracefully, !Task.isCancelled {
                heartbeats.beat(.relay)
                do throws(StoreError) {
                    if try await publishBatch() { continue }
                    pause = .milliseconds(100)
                    await signal.wait(atMost: Self.idleMax, time: time)
                } catch {
                    observer.failed(.queue, error, doing: "publish jobs")
                    try? await time.sleep(for: pause)
                    pause = min(pause * 2, Self.pauseMax)
                }
            }
        } onGracefulShutdown: {
            self.signal.signal()
        }
    }

    /// Publishes the first entries. Answers whether there may be more.
    package func publishBatch() async throws(StoreError) -> Bool {
        let now = time.now()
        let entries = try await store.outbox(
            dueBefore: now + broker.delayMax, now: now, limit: Self.batchMax)
        guard !entries.isEmpty else { return false }
        var jobs: [JobNotice] = []
        var letters: [DeadLetterNotice] = []
        for entry in entries {
            switch entry.content {
            case .job(let notice): jobs.append(notice)
            case .deadLetter(let notice): letters.append(notice)
            case .outdated: break
            }
        }
        let monotonicNow = time.monotonicNow()
        let told = toldOfBacklog.withLock { told in
            told = told.filter { monotonicNow - $0.value < Self.backlogMin }
            return Set(told.keys)
        }
        let notices = Self.gathered(jobs, now: now, backlogged: told)
        if !notices.isEmpty { try await broker.publish(notices, now: now) }
        toldOfBacklog.withLock { told in
            for notice in notices where notice.tellsOfBacklog { told[notice.channel] = monotonicNow }
        }
        if !letters.isEmpty { try await broker.publishDeadLetters(letters) }
        try await store.removeFromOutbox(entries.map(\.number))
        // Those that are both first and last came once.
        return entries.count >= Self.batchMax / 2
    }

    /// What is to be published of so many jobs: a channel with a great many that are due is told of with a few, and the rest
    /// is the store's, so that a million of one channel neither fill the broker nor stand before another's.
    /// - parameter backlogged: channels of which that is known: one notice is enough.
    static func gathered(_ jobs: [JobNotice], now: Timestamp, backlogged: Set<ChannelID>) -> [JobNotice] {
        var notices: [JobNotice] = []
        var counts: [ChannelID: Int] = [:]
        for job in jobs.sorted(by: { ($0.priority.rawValue, $0.dueAt) < ($1.priority.rawValue, $1.dueAt) }) {
            guard job.dueAt <= now else {
                notices.append(job)
                continue
            }
            let count = counts[job.channel, default: 0] + 1
            counts[job.channel] = count
            let single = backlogged.contains(job.channel) ? 0 : Self.perChannelMax
            if count > single + 1 { continue }
            var notice = job
            notice.tellsOfBacklog = count > single
            notices.append(notice)
        }
        return notices
    }
}
