#if RabbitMQ
    import Foundation
    import Logging
    import Martlet

    /// Receives on a connection and a thread of its own, from the first time that somebody asks.
    ///
    /// The thread keeps a stock of notices ready, which it gives back when nobody asks for a while. When the connection breaks
    /// it makes it anew and begins again, until it is closed.
    final class Receiver: @unchecked Sendable {
        let desk: ReceiveDesk
        private let address: RabbitMQAddress
        private let topology: Topology
        private let options: RabbitMQOptions
        private let publisher: Publisher
        private let time = SystemTimeSource()
        private let ended = DispatchGroup()

        // Touched by the thread alone.
        private var session: ReceiveSession?
        // Where a queue was deleted, RabbitMQ needs a moment to tell all its consumers before it is declared anew.
        private var backoff = ReconnectBackoff(firstPause: .seconds(1))
        private var isTroubled = false

        /// How long the thread waits for something to do, at most: heartbeats need it.
        private static let tick: Duration = .seconds(1)
        /// Deliveries that are taken in before acknowledgements go out.
        private static let deliveriesAtOnce = 1000

        /// - parameter publisher: takes what is not due yet.
        init(_ address: RabbitMQAddress, _ topology: Topology, _ options: RabbitMQOptions, _ publisher: Publisher) {
            self.address = address
            self.topology = topology
            self.options = options
            self.publisher = publisher
            desk = ReceiveDesk(options)
            let thread = Thread { [self] in
                run()
                ended.leave()
            }
            thread.name = "rabbitmq-receive"
            thread.stackSize = 1 << 20
            ended.enter()
            thread.start()
        }

        /// Sends what is acknowledged, gives the rest back and ends the connection.
        func close() async {
            desk.close()
            await withCheckedContinuation { continuation in
                ended.notify(queue: .global()) { continuation.resume() }
            }
        }

        private func run() {
            while true {
                let errands = desk.errands()
                if errands.isClosed {
                    try? session?.acknowledge(errands.acknowledged)
                    session?.close()
                    session = nil
                    return
                }
                guard errands.isWanted || session != nil else {
                    // Nobody asks: there is nothing that fails.
                    desk.recovered()
                    desk.pipe.wait(orFor: nil, atMost: Self.tick)
                    continue
                }
                guard session != nil || backoff.isOver else {
                    desk.pipe.wait(orFor: nil, atMost: min(Self.tick, backoff.nextTry - .now))
                    continue
                }
                do throws(AMQPFailure) {
                    let session = try connected()
                    if try !turn(session, errands) { desk.pipe.wait(orFor: session.descriptor, atMost: Self.tick) }
                } catch {
                    lose(error)
                }
            }
        }

        /// Does what is to be done, and takes in what came.
        /// - returns: whether there may be more at once.
        private func turn(_ session: ReceiveSession, _ errands: ReceiveDesk.Errands) throws(AMQPFailure) -> Bool {
            try session.acknowledge(errands.acknowledged)
            try session.reject(errands.givenBack, requeue: true)
            publish(errands.early)
            if errands.isWanted, !session.isConsuming {
                try session.begin { delivery throws(AMQPFailure) in try take([delivery], session) }
                desk.setOpen(true)
                desk.recovered()
                backoff.reset()
                if isTroubled { options.logger?.notice("receiving from RabbitMQ again") }
                isTroubled = false
            } else if !errands.isWanted, session.isConsuming {
                desk.setOpen(false)
                try session.end()
            }
            var deliveries: [AMQPDelivery] = []
            while deliveries.count < Self.deliveriesAtOnce, let delivery = try session.nextDelivery() {
                deliveries.append(delivery)
            }
            try take(deliveries, session)
            if try session.renewIfSilent() { desk.renewed() }
            return deliveries.count == Self.deliveriesAtOnce || errands.isWanted != session.isConsuming
        }

        private func take(_ deliveries: [AMQPDelivery], _ session: ReceiveSession) throws(AMQPFailure) {
            guard !deliveries.isEmpty else { return }
            guard session.isConsuming else {
                // What was on its way when the consumers were ended.
                try session.reject(deliveries.map(\.tag), requeue: true)
                return
            }
            let latest = time.now() + Topology.earlyMax
            var due: [ReceiveDesk.HeldJob] = []
            var early: [ReceiveDesk.HeldJob] = []
            var unreadable: [UInt64] = []
            for delivery in deliveries {
                guard let notice = JobNotice(encoded: delivery.body) else {
                    unreadable.append(delivery.tag)
                    continue
                }
                let job = ReceiveDesk.HeldJob(tag: delivery.tag, notice: notice)
                if notice.dueAt > latest { early.append(job) } else { due.append(job) }
            }
            if !unreadable.isEmpty {
                options.logger?.warning(
                    "messages that are no notices were put among the dead letters",
                    metadata: ["count": "\(unreadable.count)"])
                try session.reject(unreadable, requeue: false)
            }
            publish(early)
            desk.arrived(due)
        }

        /// Sends what came early to the next delay queue; it is acknowledged when that is confirmed.
        private func publish(_ early: [ReceiveDesk.HeldJob]) {
            guard !early.isEmpty else { return }
            let generation = desk.generation
            let now = time.now()
            publisher.submit(early.map { topology.message($0.notice, now: now) }) { [desk] result in
                if case .success = result {
                    desk.settled(early, isPublished: true, generation: generation)
                } else {
                    desk.settled(early, isPublished: false, generation: generation)
                }
            }
        }

        private func connected() throws(AMQPFailure) -> ReceiveSession {
            if let session { return session }
            let session = try ReceiveSession(address, topology, options)
            self.session = session
            return session
        }

        private func lose(_ reason: AMQPFailure) {
            if !isTroubled {
                options.logger?.warning("cannot receive from RabbitMQ", metadata: ["reason": "\(reason.message)"])
            }
            isTroubled = true
            session?.close()
            session = nil
            desk.lost(reason.storeError)
            backoff.failed()
        }
    }
#endif
