import ServiceLifecycle

/// Publishes what the outbox holds, in batches that the broker confirms before they are taken out.
package final class OutboxRelay: Sendable {
    private static let batchMax = 500
    private static let idleMax: Duration = .seconds(1)
    private static let pauseMax: Duration = .seconds(2)

    private let store: any OutboxStore
    private let broker: any JobBroker
    private let time: any TimeSource
    private let observer: PipelineObserver
    private let heartbeats: Heartbeats
    private let signal = WakeSignal()

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
        let entries = try await store.outbox(dueBefore: now + broker.delayMax, limit: Self.batchMax)
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
        if !jobs.isEmpty { try await broker.publish(jobs, now: now) }
        if !letters.isEmpty { try await broker.publishDeadLetters(letters) }
        try await store.removeFromOutbox(entries.map(\.number))
        return entries.count == Self.batchMax
    }
}
