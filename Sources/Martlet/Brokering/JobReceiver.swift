import ServiceLifecycle

/// Brings what a broker delivers to a worker's queue, and acknowledges what is over.
package final class JobReceiver: Sendable {
    private static let batchMax = 500
    private static let waitMax: Duration = .seconds(1)
    private static let pauseMax: Duration = .seconds(2)

    private let broker: any JobBroker
    private let queue: BrokeredQueue
    private let time: any TimeSource
    private let observer: PipelineObserver
    private let heartbeats: Heartbeats
    private let wake: @Sendable (ChannelID, Timestamp) -> Void

    /// - parameter wake: called when a message of the channel is due then.
    package init(
        broker: any JobBroker, queue: BrokeredQueue, time: any TimeSource, observer: PipelineObserver,
        heartbeats: Heartbeats, wake: @escaping @Sendable (ChannelID, Timestamp) -> Void
    ) {
        self.broker = broker
        self.queue = queue
        self.time = time
        self.observer = observer
        self.heartbeats = heartbeats
        self.wake = wake
    }

    package func run() async {
        await withDiscardingTaskGroup { group in
            group.addTask { await self.receive() }
            group.addTask { await self.acknowledge() }
        }
    }

    private func receive() async {
        var pause: Duration = .milliseconds(100)
        while !Task.isShuttingDownGracefully, !Task.isCancelled {
            heartbeats.beat(.receiver)
            let limit = min(Self.batchMax, queue.room)
            guard limit > 0 else {
                try? await time.sleep(for: .milliseconds(100))
                continue
            }
            do {
                // A shutdown need not wait for what may come.
                let jobs = try await cancelWhenGracefulShutdown { [broker] in
                    try await broker.receive(limit: limit, wait: broker.waitAdvised)
                }
                if queue.isBrokerAway { queue.setBrokerAway(false) }
                observer.answered(.queue)
                pause = .milliseconds(100)
                for (channel, dueAt) in queue.deliver(jobs) { wake(channel, dueAt) }
            } catch {
                let failure = error as? StoreError ?? StoreError(.unavailable, "\(error)")
                queue.setBrokerAway(true)
                observer.failed(.queue, failure, doing: "receive jobs")
                try? await time.sleep(for: pause)
                pause = min(pause * 2, Self.pauseMax)
            }
        }
    }

    private func acknowledge() async {
        while !Task.isShuttingDownGracefully, !Task.isCancelled {
            let ended = await queue.endedDeliveries(waiting: Self.waitMax)
            guard !ended.isEmpty else { continue }
            do throws(StoreError) { try await broker.acknowledge(ended) } catch {
                // They are delivered once more, and the claim drops them.
                observer.failed(.queue, error, doing: "acknowledge jobs")
            }
        }
        // What was over when the service was told to stop.
        let ended = await queue.endedDeliveries(waiting: .zero)
        if !ended.isEmpty { try? await broker.acknowledge(ended) }
    }
}
