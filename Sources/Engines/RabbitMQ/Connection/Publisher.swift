#if RabbitMQ
    import Martlet

    /// Publishes on a connection and a thread of its own, which takes everything that waits at once.
    ///
    /// While nothing is published the thread looks at the connection every second; when that is gone, calls fail at once until
    /// the next try, after a pause that grows.
    final class Publisher: Sendable {
        private let calls: CallQueue<PublishCall>
        private let options: RabbitMQOptions

        private static let callsMax = 4096
        private static let messagesAtOnceMax = 4096

        init(_ address: RabbitMQAddress, _ topology: Topology, _ options: RabbitMQOptions) {
            self.options = options
            calls = CallQueue(
                name: "rabbitmq-publish", waitingMax: Self.callsMax, server: "RabbitMQ", closed: .closed
            ) { calls in
                let connection = PublishingConnection(address, topology, options)
                while let batch = calls.takeBatch(
                    sizeMax: Self.messagesAtOnceMax, waitMax: .seconds(1), size: \.messages.count)
                {
                    if batch.isEmpty { connection.lookAfter() } else { connection.carryOut(batch) }
                }
                connection.close()
            }
        }

        /// Makes sure that messages could be published now.
        func check() async throws(StoreError) { try await publish([]) }

        /// Publishes the messages; on return all are confirmed.
        func publish(_ messages: [OutgoingMessage]) async throws(StoreError) {
            try await calls.outcome(refused: Result<Void, StoreError>.failure) { call(messages, $0) }.get()
        }

        /// Publishes the messages and says what came of it, on the thread that publishes.
        func submit(_ messages: [OutgoingMessage], then resume: @escaping @Sendable (Result<Void, StoreError>) -> Void)
        {
            do throws(StoreError) {
                try calls.submit(call(messages, resume))
            } catch {
                resume(.failure(error))
            }
        }

        /// Refuses new calls, carries out those that wait, and ends the connection.
        func close() async { await calls.close() }

        private func call(
            _ messages: [OutgoingMessage], _ resume: @escaping @Sendable (Result<Void, StoreError>) -> Void
        ) -> PublishCall {
            PublishCall(messages: messages, deadline: .now + options.publishTimeout, resume: resume)
        }
    }

    extension StoreError {
        /// What a broker that was closed answers.
        static var closed: StoreError { StoreError(.unavailable, "the broker's connections are closed") }
    }
#endif
