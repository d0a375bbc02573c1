#if RabbitMQ
    import Martlet

    /// Carries word of due jobs over RabbitMQ 3.10 or later. Safe to use from many tasks; made of two connections, each with
    /// a thread of its own.
    package final class RabbitMQBroker: JobBroker {
        private let topology: Topology
        private let publisher: Publisher
        private let receiver: Receiver

        package var delayMax: Duration { Topology.delayMax }

        /// Connects and declares the exchanges and queues.
        /// - parameter url: `amqp://USER:PASSWORD@HOST:PORT/VHOST`, or `amqps://…?cacert=PATH`.
        /// - throws: ``StoreError/Code/unavailable`` when there is no broker now, ``StoreError/Code/unusable`` when the URL,
        ///   the permissions or the queues must be put right first.
        package static func open(url: String, options: RabbitMQOptions = .init()) async throws(StoreError)
            -> RabbitMQBroker
        {
            let broker = RabbitMQBroker(try RabbitMQAddress(url: url), options)
            do throws(StoreError) {
                try await broker.check()
            } catch {
                await broker.close()
                throw error
            }
            return broker
        }

        private init(_ address: RabbitMQAddress, _ options: RabbitMQOptions) {
            topology = Topology(options)
            publisher = Publisher(address, topology, options)
            receiver = Receiver(address, topology, options, publisher)
        }

        package func publish(_ notices: [JobNotice], now: Timestamp) async throws(StoreError) {
            guard !notices.isEmpty else { return }
            try await publisher.publish(notices.map { topology.message($0, now: now) })
        }

        package func receive(limit: Int, wait: Duration) async throws(StoreError) -> [DeliveredJob] {
            try await receiver.desk.receive(limit: limit, wait: wait)
        }

        package func acknowledge(_ deliveries: [DeliveredJob]) async throws(StoreError) {
            guard !deliveries.isEmpty else { return }
            try receiver.desk.acknowledge(deliveries.map(\.receipt))
        }

        package func publishDeadLetters(_ letters: [DeadLetterNotice]) async throws(StoreError) {
            guard !letters.isEmpty else { return }
            try await publisher.publish(letters.map { topology.message($0) })
        }

        package func check() async throws(StoreError) {
            try receiver.desk.check()
            try await publisher.check()
        }

        package func close() async {
            await receiver.close()
            await publisher.close()
        }
    }
#endif
