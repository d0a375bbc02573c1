#if SQS
    import Logging
    import Martlet
    import Synchronization

    /// Word of due jobs by Amazon SQS, or by a service that speaks its protocol.
    ///
    /// Each priority has a queue of its own, and there is one for dead letters. All are standard queues: notices may come twice
    /// and out of order, which the port allows.
    package final class SQSBroker: JobBroker {
        let queues: JobQueues
        let options: SQSOptions
        let logger: Logger
        let state = Mutex(State())

        struct State: Sendable {
            var desk = DeliveryDesk()
            /// Requests for notices that are under way, by a number of their own.
            var polls: [Int: Poll] = [:]
            /// Receivers that wait for what these bring.
            var waiters: [Int: WakeSignal] = [:]
            var isClosed = false
            private var lastNumber = 0

            mutating func nextNumber() -> Int {
                lastNumber += 1
                return lastNumber
            }
        }

        private init(_ queues: JobQueues, logger: Logger) {
            self.queues = queues
            self.logger = logger
            options = queues.options
        }

        /// Reads where the queues are and the keys, and makes sure that the queues are there.
        /// - parameters:
        ///   - url: see ``SQSAddress``.
        ///   - environment: the process's, with `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and, for temporary keys,
        ///     `AWS_SESSION_TOKEN`; without them, the role of the container or the instance is asked.
        /// - throws: ``StoreError/Code/unusable`` when the URL or the keys cannot be read; ``StoreError/Code/unavailable`` when
        ///   the endpoint cannot be reached, refuses the keys, or has not the queues and may not make them.
        package static func open(
            url: String, environment: [String: String], options: SQSOptions = SQSOptions(), logger: Logger
        ) async throws(StoreError) -> SQSBroker {
            let address = try SQSAddress(url: url)
            let keys = try CredentialSource.Origin(environment: environment)
            let client = SQSClient(address, keys: keys, options: options, logger: logger)
            let queues = JobQueues(client, address: address, logger: logger)
            do throws(StoreError) {
                try await queues.open()
            } catch {
                await client.shutDown()
                throw error
            }
            return SQSBroker(queues, logger: logger)
        }

        package var delayMax: Duration { JobQueueRules.delayMax }
        /// Each question is paid for.
        package var waitAdvised: Duration { .seconds(10) }

        /// Asks after each queue, and makes one that is missing.
        package func check() async throws(StoreError) {
            try makeSureOfOpen()
            let persistence = Persistence.brief(options)
            let failures = await withTaskGroup(of: SQSFailure?.self) { group in
                for queue in JobQueue.allCases {
                    group.addTask {
                        do throws(SQSFailure) {
                            _ = try await self.queues.call(
                                "GetQueueAttributes", on: queue, ["AttributeNames": ["QueueArn"]],
                                persistence: persistence)
                            return nil
                        } catch {
                            return error
                        }
                    }
                }
                return await group.reduce(into: [SQSFailure]()) { failures, failure in
                    if let failure { failures.append(failure) }
                }
            }
            if let failure = failures.first { throw failure.storeError(doing: "GetQueueAttributes") }
        }

        /// Waits for what requests under way still bring, for ``SQSOptions/longPoll`` and a request's time at most, and gives
        /// back at once what was not acknowledged.
        package func close() async {
            let (isFirst, polls, waiters) = state.withLock { state in
                defer { state.isClosed = true }
                return (!state.isClosed, Array(state.polls.values), Array(state.waiters.values))
            }
            guard isFirst else { return }
            for waiter in waiters { waiter.signal() }
            await end(polls)
            let now = options.time.monotonicNow()
            await giveBack(state.withLock { $0.desk.clear(now: now) })
            await queues.client.shutDown()
        }

        func makeSureOfOpen() throws(StoreError) {
            if state.withLock(\.isClosed) { throw StoreError(.unavailable, "the connection to SQS is closed") }
        }

        /// Makes notices visible to every receiver again. Best effort: what fails comes again when its time has run out.
        func giveBack(_ deliveries: [Delivery]) async {
            let persistence = Persistence.brief(options)
            let result = await batches(
                of: deliveries, on: \.queue, action: "ChangeMessageVisibilityBatch", persistence: persistence
            ) { delivery in
                ["ReceiptHandle": .string(delivery.handle), "VisibilityTimeout": 0]
            }
            if let failure = result.failure {
                logger.debug(
                    "giving notices back failed: \(failure.code)", metadata: ["count": "\(result.undone.count)"])
            }
        }
    }
#endif
