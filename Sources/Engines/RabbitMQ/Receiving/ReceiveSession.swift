#if RabbitMQ
    import Martlet

    /// A connection that notices are received on, with everything declared. Used by one thread.
    final class ReceiveSession {
        private let connection: AMQPConnection
        private let topology: Topology
        private let prefetch: Int
        private let silenceMax: Duration
        private var unacknowledged = Unacknowledged()
        private(set) var isConsuming = false
        /// When each queue delivered the last time.
        private var lastDelivery: [String: ContinuousClock.Instant] = [:]
        private var renewedAt = ContinuousClock.now

        /// How long a queue may take for what it says it has, when its consumer begins.
        private static let firstDeliveriesMax: Duration = .milliseconds(500)

        init(_ address: RabbitMQAddress, _ topology: Topology, _ options: RabbitMQOptions) throws(AMQPFailure) {
            self.topology = topology
            prefetch = options.prefetch
            silenceMax = options.silenceMax
            connection = try AMQPConnection(address, name: "martlet receiver", heartbeat: options.heartbeat)
            do throws(AMQPFailure) {
                try connection.declare(topology)
                try connection.limitPrefetch(to: options.prefetch)
            } catch {
                connection.close()
                throw error
            }
        }

        /// The socket, to wait for deliveries.
        var descriptor: Int32 { connection.descriptor }

        func close() { connection.close() }

        /// Begins to get deliveries. What waits comes in the order of priority: a queue's consumer begins when that of the
        /// one before has what it may have.
        func begin(_ take: (AMQPDelivery) throws(AMQPFailure) -> Void) throws(AMQPFailure) {
            isConsuming = true
            for priority in Priority.allCases {
                let expected = min(try connection.ready(in: topology.queue(priority)), prefetch)
                try connection.consume(topology.queue(priority), as: priority.name)
                let end = ContinuousClock.now + Self.firstDeliveriesMax
                var came = 0
                while came < expected, ContinuousClock.now < end {
                    guard let delivery = try nextDelivery(waiting: end - .now) else { continue }
                    if delivery.consumer == priority.name { came += 1 }
                    try take(delivery)
                }
            }
        }

        /// Ends getting deliveries; what was delivered stays.
        func end() throws(AMQPFailure) {
            isConsuming = false
            for priority in Priority.allCases { try connection.cancel(priority.name) }
        }

        /// The next delivery; nil when none came in that time. Lets heartbeats pass.
        func nextDelivery(waiting duration: Duration = .zero) throws(AMQPFailure) -> AMQPDelivery? {
            while let event = try connection.nextEvent(waiting: duration) {
                switch event {
                case .delivered(let delivery):
                    unacknowledged.delivered(delivery.tag)
                    lastDelivery[delivery.consumer] = .now
                    return delivery
                case .cancelled(let consumer):
                    throw AMQPFailure("the broker ended the consumer of the queue \(topology.jobs).\(consumer)")
                default: break
                }
            }
            return nil
        }

        func acknowledge(_ tags: [UInt64]) throws(AMQPFailure) {
            guard !tags.isEmpty else { return }
            let (last, single) = unacknowledged.acknowledge(tags)
            if let last { try connection.acknowledge(last, multiple: true) }
            for tag in single { try connection.acknowledge(tag, multiple: false) }
        }

        /// - parameter requeue: to be delivered again; else they go to the dead letters.
        func reject(_ tags: [UInt64], requeue: Bool) throws(AMQPFailure) {
            for tag in tags {
                unacknowledged.rejected(tag)
                try connection.reject(tag, requeue: requeue)
            }
        }

        /// Makes the channel anew, now and then, when a queue has delivered nothing for a while and nothing is held that would
        /// be void then; the consumers are to begin again. So nothing that a broker forgets of a consumer leaves it deaf for
        /// long. (RabbitMQ does: where a queue is deleted and declared again at once, it may take the new one for the old, and
        /// keep back what it counts as delivered.)
        /// - returns: whether it did; deliveries are numbered from 1 again then.
        func renewIfSilent() throws(AMQPFailure) -> Bool {
            let silentSince = ContinuousClock.now - silenceMax
            guard isConsuming, unacknowledged.isEmpty, renewedAt < silentSince,
                Priority.allCases.contains(where: { lastDelivery[$0.name].map { $0 < silentSince } ?? true })
            else { return false }
            renewedAt = .now
            isConsuming = false
            unacknowledged = Unacknowledged()
            try connection.renewChannel()
            try connection.limitPrefetch(to: prefetch)
            return true
        }
    }
#endif
