#if RabbitMQ
    import CRabbitMQ
    import DequeModule
    import Foundation
    import Logging
    import Martlet

    /// Publishes on a connection and a thread of its own, which takes everything that waits at once.
    ///
    /// rabbitmq-c blocks, so none of it runs on the concurrency pool. While nothing is published the thread looks at the
    /// connection every second; when that is gone, calls fail at once until the next try, after a pause that grows.
    final class Publisher: @unchecked Sendable {
        private struct Call {
            var messages: [OutgoingMessage]
            var deadline: ContinuousClock.Instant
            var resume: @Sendable (Result<Void, StoreError>) -> Void
        }

        // Touched with the condition's lock held.
        private let condition = NSCondition()
        private var waiting: Deque<Call> = []
        private var isClosed = false

        private let address: RabbitMQAddress
        private let topology: Topology
        private let options: RabbitMQOptions
        private let ended = DispatchGroup()

        // Touched by the thread alone.
        private var session: PublishSession?
        private var failure: StoreError?
        private var backoff = ReconnectBackoff(firstPause: .milliseconds(100))

        private static let callsMax = 4096
        /// Where somebody deleted a queue, RabbitMQ has so many seconds to tell its consumers before it is declared anew. (Where
        /// that happens at once, it may take the new one for the old and deliver nothing from it.)
        private static let deletionPause = 1.0
        private static let messagesAtOnceMax = 4096

        init(_ address: RabbitMQAddress, _ topology: Topology, _ options: RabbitMQOptions) {
            self.address = address
            self.topology = topology
            self.options = options
            let thread = Thread { [self] in
                run()
                ended.leave()
            }
            thread.name = "rabbitmq-publish"
            thread.stackSize = 1 << 20
            ended.enter()
            thread.start()
        }

        /// Makes sure that messages could be published now.
        func check() async throws(StoreError) { try await publish([]) }

        /// Publishes the messages; on return all are confirmed.
        func publish(_ messages: [OutgoingMessage]) async throws(StoreError) {
            let result: Result<Void, StoreError> = await withCheckedContinuation { continuation in
                submit(messages) { continuation.resume(returning: $0) }
            }
            try result.get()
        }

        /// Publishes the messages and says what came of it, on the thread that publishes.
        func submit(_ messages: [OutgoingMessage], then resume: @escaping @Sendable (Result<Void, StoreError>) -> Void)
        {
            let refusal: StoreError? = condition.withLock {
                if isClosed { return .closed }
                guard waiting.count < Self.callsMax else {
                    return StoreError(.overloaded, "\(Self.callsMax) calls wait for RabbitMQ")
                }
                waiting.append(Call(messages: messages, deadline: .now + options.publishTimeout, resume: resume))
                condition.signal()
                return nil
            }
            if let refusal { resume(.failure(refusal)) }
        }

        /// Refuses new calls, carries out those that wait, and ends the connection.
        func close() async {
            condition.withLock {
                isClosed = true
                condition.broadcast()
            }
            await withCheckedContinuation { continuation in
                ended.notify(queue: .global()) { continuation.resume() }
            }
        }

        private func run() {
            while let calls = take() {
                if calls.isEmpty {
                    lookAfter()
                } else {
                    carryOut(calls)
                }
            }
            session?.close()
            session = nil
        }

        /// Blocks until there are calls, or for a second; nil when there will be none any more.
        private func take() -> [Call]? {
            condition.withLock {
                if waiting.isEmpty, !isClosed { _ = condition.wait(until: Date(timeIntervalSinceNow: 1)) }
                if waiting.isEmpty { return isClosed ? nil : [] }
                var taken: [Call] = []
                var count = 0
                while let call = waiting.first, taken.isEmpty || count + call.messages.count <= Self.messagesAtOnceMax {
                    taken.append(waiting.removeFirst())
                    count += call.messages.count
                }
                return taken
            }
        }

        private func lookAfter() {
            guard let session else { return }
            do throws(AMQPFailure) { try session.idle() } catch { lose(error) }
        }

        private func carryOut(_ calls: [Call]) {
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

    extension StoreError {
        /// What a broker that was closed answers.
        static var closed: StoreError { StoreError(.unavailable, "the broker's connections are closed") }
    }
#endif
