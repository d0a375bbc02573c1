#if SQS
    import Logging
    import Martlet
    import Synchronization

    /// Finds the queues, makes those that are missing, and carries out actions on them.
    final class JobQueues: Sendable {
        let client: SQSClient
        private let address: SQSAddress
        private let logger: Logger
        /// What SQS calls the queues, so far as they were found.
        private let urls = Mutex<[JobQueue: String]>([:])

        /// Longer than any address of a queue.
        private static let urlBytesMax = 2048

        init(_ client: SQSClient, address: SQSAddress, logger: Logger) {
            self.client = client
            self.address = address
            self.logger = logger
        }

        var options: SQSOptions { client.options }

        /// Makes sure that all queues are there.
        func open() async throws(StoreError) {
            // The others name the one for dead letters, so it comes first.
            for queue in [.deadLetters] + JobQueue.byPriority {
                do throws(SQSFailure) {
                    _ = try await url(of: queue, persistence: Persistence(options))
                } catch {
                    throw error.storeError(doing: "GetQueueUrl")
                }
            }
        }

        /// Carries out an action on a queue. One that was deleted is made again.
        func call(
            _ action: String, on queue: JobQueue, _ fields: JSONObject, waiting: Duration = .zero,
            persistence: Persistence
        ) async throws(SQSFailure) -> JSONObject {
            var attempts = persistence
            var hasLookedAgain = false
            while true {
                var request: JSONObject = ["QueueUrl": .string(try await url(of: queue, persistence: persistence))]
                request.members += fields.members
                do throws(SQSFailure) {
                    return try await client.call(action, request, waiting: waiting, persistence: persistence)
                } catch {
                    guard error.kind == .missingQueue else { throw error }
                    // Who deletes one deletes all, as a rule.
                    urls.withLock { $0 = [:] }
                    // A queue that was just made is not there at once everywhere.
                    if hasLookedAgain {
                        guard let pause = attempts.nextPause() else { throw error }
                        try await client.sleep(pause)
                    }
                    hasLookedAgain = true
                }
            }
        }

        private func url(of queue: JobQueue, persistence: Persistence) async throws(SQSFailure) -> String {
            if let known = urls.withLock({ $0[queue] }) { return known }
            let url: String
            do throws(SQSFailure) {
                url = try await find(queue, persistence: persistence)
            } catch {
                guard error.kind == .missingQueue else { throw error }
                url = try await create(queue, persistence: persistence)
            }
            urls.withLock { $0[queue] = url }
            return url
        }

        private func find(_ queue: JobQueue, persistence: Persistence) async throws(SQSFailure) -> String {
            let answer = try await client.call(
                "GetQueueUrl", ["QueueName": .string(queue.name(in: address))], persistence: persistence)
            return try Self.url(in: answer)
        }

        private func create(_ queue: JobQueue, persistence: Persistence) async throws(SQSFailure) -> String {
            let name = queue.name(in: address)
            let deadLetters = queue == .deadLetters ? nil : try await deadLettersARN(persistence: persistence)
            let attributes = JobQueueRules.attributes(deadLetters: deadLetters)
            do throws(SQSFailure) {
                let answer = try await client.call(
                    "CreateQueue", ["QueueName": .string(name), "Attributes": .object(attributes)],
                    persistence: persistence)
                logger.info("created the queue", metadata: ["queue": "\(name)"])
                return try Self.url(in: answer)
            } catch {
                switch error.kind {
                // Somebody else made it meanwhile, in another way: as it is, then.
                case .queueExists: return try await find(queue, persistence: persistence)
                case .denied:
                    var failure = error
                    failure.kind = .missingQueue
                    failure.detail = "there is no queue \(name), and the keys do not allow making it"
                    throw failure
                default: throw error
                }
            }
        }

        private func deadLettersARN(persistence: Persistence) async throws(SQSFailure) -> String {
            let url = try await url(of: .deadLetters, persistence: persistence)
            let answer = try await client.call(
                "GetQueueAttributes", ["QueueUrl": .string(url), "AttributeNames": ["QueueArn"]],
                persistence: persistence)
            guard let name = answer["Attributes"]?["QueueArn"]?.stringValue, name.utf8.count <= Self.urlBytesMax else {
                throw SQSFailure(.refused, code: "an answer without QueueArn")
            }
            return name
        }

        private static func url(in answer: JSONObject) throws(SQSFailure) -> String {
            guard let url = answer["QueueUrl"]?.stringValue, (1...urlBytesMax).contains(url.utf8.count) else {
                throw SQSFailure(.refused, code: "an answer without QueueUrl")
            }
            return url
        }
    }
#endif
