#if RabbitMQ
    import CRabbitMQ
    import Foundation
    import Logging
    import Martlet

    /// Messages that are to be published together, and what is done with what comes of it.
    struct PublishCall: Sendable {
        var messages: [OutgoingMessage]
        var deadline: ContinuousClock.Instant
        var resume: @Sendable (Result<Void, StoreError>) -> Void
    }

    /// A thread's connection to publish on: made when it is needed, made anew when it broke. Used by that thread alone.
    final class PublishingConnection {
        private let address: RabbitMQAddress
        private let topology: Topology
        private let options: RabbitMQOptions
        private var session: PublishSession?
        private var failure: StoreError?
        private var backoff = ReconnectBackoff(firstPause: .milliseconds(100))

        /// Where somebody deleted a queue, RabbitMQ has so many seconds to tell its consumers before it is declared anew. (Where
        /// that happens at once, it may take the new one for the old and deliver nothing from it.)
        private static let deletionPause = 1.0

        init(_ address: RabbitMQAddress, _ topology: Topology, _ options: RabbitMQOptions) {
            self.address = address
            self.topology = topology
            self.options = options
        }

        func close() {
            session?.close()
            session = nil
        }

        /// Sends and misses heartbeats while nothing is published.
        func lookAfter() {
            guard let session else { return }
            do throws(AMQPFailure) { try session.idle() } catch { lose(error) }
        }

        /// Publishes what the calls are about, and answers each of them.
        func carryOut(_ calls: [PublishCall]) {
            let messages = calls.flatMap(\.messages)
            var fates = [PublishFate](repeating: .open, count: messages.count)
            // All that were taken began to wait at about the same time.
            let deadline = calls.map(\.deadline).min() ?? .now
            let failure = publish(messages, fates: &fates, until: deadline)
            var start = 0
            for call in calls {
                let own = fates[start..<start + call.messages.count]
                start += call.messages.count
                if let failure, call.messages.isEmpty || !own.allSatisfy({ $0 == .confirmed }) {
                    call.resume(.failure(failure))
                } else if own.allSatisfy({ $0 == .confirmed }) {
                    call.resume(.success(()))
                } else if own.contains(.unroutable) {
                    call.resume(.failure(StoreError(.unavailable, "RabbitMQ has no queue for a message")))
                } else if own.contains(.refused) {
                    call.resume(.failure(StoreError(.unavailable, "RabbitMQ refused a message")))
                } else {
                    call.resume(.failure(notConfirmed()))
                }
            }
        }

        /// Publishes what is open, and once more what met a connection that had been lost unnoticed, or had no queue.
        /// - returns: why that could not be done at all.
        private func publish(
            _ messages: [OutgoingMessage], fates: inout [PublishFate], until deadline: ContinuousClock.Instant
        ) -> StoreError? {
            for isFirst in [true, false] {
                let session: PublishSession
                do throws(StoreError) { session = try connected() } catch { return error }
                do throws(AMQPFailure) {
                    if messages.isEmpty {
                        try session.idle()
                        if session.blockedReason != nil { return notConfirmed() }
                        try session.check()
                        return nil
                    }
                    try session.publish(messages, fates: &fates, until: deadline)
                    if isFirst, fates.contains(.unroutable) {
                        Thread.sleep(forTimeInterval: Self.deletionPause)
                        try session.declareAgain()
                        fates = fates.map { $0 == .unroutable ? .open : $0 }
                        continue
                    }
                    // A broker that says nothing for so long may be gone; one that is blocked has said so.
                    if fates.contains(.open), session.blockedReason == nil {
                        lose(AMQPFailure("no confirm within \(options.publishTimeout)"))
                    }
                    return nil
                } catch {
                    lose(error)
                    if !isFirst { return error.storeError }
                    if error.code == Int(AMQP_NOT_FOUND) { Thread.sleep(forTimeInterval: Self.deletionPause) }
                }
            }
            return nil
        }

        private func notConfirmed() -> StoreError {
            if let reason = session?.blockedReason {
                return StoreError(
                    .unavailable, "RabbitMQ takes no messages: \(reason)",
                    remedy: "see `rabbitmq-diagnostics alarms`; it goes on when there is room again")
            }
            return StoreError(.unavailable, "RabbitMQ did not confirm within \(options.publishTimeout)")
        }

        private func connected() throws(StoreError) -> PublishSession {
            if let session { return session }
            if let failure, !backoff.isOver { throw failure }
            do throws(AMQPFailure) {
                let session = try PublishSession(address, topology, heartbeat: options.heartbeat)
                self.session = session
                if failure != nil { options.logger?.notice("publishing to RabbitMQ again") }
                failure = nil
                backoff.reset()
                return session
            } catch {
                if failure == nil {
                    options.logger?.warning("cannot publish to RabbitMQ", metadata: ["reason": "\(error.message)"])
                }
                failure = error.storeError
                backoff.failed()
                throw error.storeError
            }
        }

        private func lose(_ reason: AMQPFailure) {
            options.logger?.warning("lost the connection to publish on", metadata: ["reason": "\(reason.message)"])
            session?.close()
            session = nil
        }
    }
#endif
