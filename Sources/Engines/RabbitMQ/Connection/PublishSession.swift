#if RabbitMQ
    import Martlet

    /// A connection that messages are published on, with everything declared. Used by one thread.
    final class PublishSession {
        private let connection: AMQPConnection
        private let topology: Topology
        private var window = PublishWindow()
        /// Why the broker takes no messages now, as it says; nil when it takes them.
        private(set) var blockedReason: String?

        /// Messages without confirm, at most: few enough for the socket's buffer, so that sending never waits for a broker
        /// that has stopped to read.
        private static let windowMax = 256

        init(_ address: RabbitMQAddress, _ topology: Topology, heartbeat: Duration) throws(AMQPFailure) {
            self.topology = topology
            connection = try AMQPConnection(address, name: "martlet publisher", heartbeat: heartbeat)
            do throws(AMQPFailure) {
                try connection.declare(topology)
                try connection.confirmMessages()
            } catch {
                connection.close()
                throw error
            }
        }

        func close() { connection.close() }

        /// Declares again what somebody took away.
        func declareAgain() throws(AMQPFailure) { try connection.declare(topology) }

        /// Makes sure that the queues are there, and that the broker answers.
        func check() throws(AMQPFailure) {
            for priority in Priority.allCases { _ = try connection.ready(in: topology.queue(priority)) }
        }

        /// Takes in what the broker sends while nothing is published, and lets heartbeats pass.
        func idle() throws(AMQPFailure) {
            while let event = try connection.nextEvent(waiting: .zero) { take(event) { _, _ in } }
        }

        /// Publishes what is open among the messages, and waits for the confirms until the deadline.
        /// - parameter fates: one for each message; kept up to date also when this fails.
        func publish(
            _ messages: [OutgoingMessage], fates: inout [PublishFate], until deadline: ContinuousClock.Instant
        ) throws(AMQPFailure) {
            // The broker can say after the deadline what became of these; nobody asks then.
            defer { window.forget() }
            var rest = messages.indices.filter { fates[$0] == .open }[...]
            var waitingFor = rest.count
            while waitingFor > 0, ContinuousClock.now < deadline {
                while blockedReason == nil, window.count < Self.windowMax, let index = rest.popFirst() {
                    try connection.publish(messages[index])
                    window.sent(index, id: messages[index].id)
                }
                let remaining = max(.zero, deadline - .now)
                var event = try connection.nextEvent(waiting: min(remaining, .seconds(1)))
                while let current = event {
                    take(current) { index, fate in
                        fates[index] = fate
                        waitingFor -= 1
                    }
                    event = try connection.nextEvent(waiting: .zero)
                }
            }
        }

        private func take(_ event: AMQPEvent, _ settle: (Int, PublishFate) -> Void) {
            switch event {
            case .confirmed(let tag, let multiple):
                for (index, fate) in window.settled(tag, multiple: multiple, isConfirmed: true) { settle(index, fate) }
            case .refused(let tag, let multiple):
                for (index, fate) in window.settled(tag, multiple: multiple, isConfirmed: false) { settle(index, fate) }
            case .returned(let id, _): window.returned(id: id)
            case .blocked(let reason): blockedReason = reason
            case .unblocked: blockedReason = nil
            case .delivered, .cancelled: break
            }
        }
    }
#endif
