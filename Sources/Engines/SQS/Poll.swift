#if SQS
    import Logging
    import Martlet
    import Synchronization

    /// A request for notices that is under way.
    ///
    /// It is never broken off when its receiver leaves: SQS may just have handed out what nobody would read then. What it brings
    /// waits for the next receiver.
    final class Poll: Sendable {
        let queue: JobQueue
        /// Whether SQS waits until there is something.
        let isLong: Bool
        private let state = Mutex<State>(State())

        private struct State {
            var outcome: Result<Int, SQSFailure>?
            var task: Task<Result<Int, SQSFailure>, Never>?
        }

        init(_ queue: JobQueue, isLong: Bool) {
            self.queue = queue
            self.isLong = isLong
        }

        /// How many messages came, or why none; nil while it is under way.
        var outcome: Result<Int, SQSFailure>? { state.withLock(\.outcome) }

        /// Waits for the end.
        func result() async throws(SQSFailure) -> Int {
            guard let task = state.withLock(\.task) else { return 0 }
            return try await task.value.get()
        }

        func cancel() { state.withLock(\.task)?.cancel() }

        /// To be called once.
        func start(_ body: @escaping @Sendable () async -> Result<Int, SQSFailure>) {
            state.withLock { $0.task = Task { await body() } }
        }

        func finish(_ outcome: Result<Int, SQSFailure>) { state.withLock { $0.outcome = outcome } }
    }

    extension SQSBroker {
        /// Asks several times at once for what is in a queue now. None are begun while a longer look is under way, which brings
        /// everything there is.
        func startShortPolls(of queue: JobQueue, requests: Int, room: Int, retryUntil end: MonotonicInstant) -> [Poll] {
            state.withLock { state in
                if state.polls.values.contains(where: { $0.queue == queue && $0.isLong }) { return [] }
                let batch = JobQueueRules.batchMax
                let count = min(requests, max(1, options.concurrency), (room + batch - 1) / batch)
                return (0..<count).compactMap { index in
                    startPoll(of: queue, limit: min(batch, room - index * batch), seconds: 0, retryUntil: end, &state)
                }
            }
        }

        /// The longer look into a queue that is under way, or a new one; nil when too much is under way.
        func longPoll(of queue: JobQueue, limit: Int, wait: Duration, retryUntil end: MonotonicInstant) -> Poll? {
            state.withLock { state in
                if let poll = state.polls.values.first(where: { $0.queue == queue && $0.isLong }) { return poll }
                let (seconds, rest) = min(wait, options.longPoll).components
                return startPoll(
                    of: queue, limit: min(JobQueueRules.batchMax, limit),
                    seconds: min(20, max(1, seconds + (rest > 0 ? 1 : 0))),
                    retryUntil: end, &state)
            }
        }

        private func startPoll(
            of queue: JobQueue, limit: Int, seconds: Int64, retryUntil end: MonotonicInstant, _ state: inout State
        ) -> Poll? {
            let held = state.desk.waitingCount + (state.polls.count + 1) * JobQueueRules.batchMax
            guard !state.isClosed, held <= max(JobQueueRules.batchMax, options.heldMax) else { return nil }
            let poll = Poll(queue, isLong: seconds > 0)
            let number = state.nextNumber()
            state.polls[number] = poll
            poll.start {
                let outcome = await self.fetch(from: queue, limit: limit, seconds: seconds, retryUntil: end)
                let waiters = self.state.withLock { state in
                    state.polls[number] = nil
                    state.desk.add((try? outcome.get())?.deliveries ?? [])
                    return Array(state.waiters.values)
                }
                poll.finish(outcome.map(\.messages))
                for waiter in waiters { waiter.signal() }
                return outcome.map(\.messages)
            }
            return poll
        }

        /// Waits until polls have ended; those that last longer than they may are broken off.
        func end(_ polls: [Poll]) async {
            guard !polls.isEmpty else { return }
            await withTaskGroup(of: Bool.self) { group in
                group.addTask {
                    for poll in polls { _ = try? await poll.result() }
                    return true
                }
                group.addTask {
                    try? await self.options.time.sleep(for: self.options.longPoll + self.options.requestTimeout)
                    return false
                }
                if await group.next() == false { for poll in polls { poll.cancel() } }
                group.cancelAll()
            }
        }

        /// One request for notices, tried again until the moment given.
        private func fetch(
            from queue: JobQueue, limit: Int, seconds: Int64, retryUntil end: MonotonicInstant
        ) async -> Result<(messages: Int, deliveries: [Delivery]), SQSFailure> {
            let start = options.time.monotonicNow()
            do throws(SQSFailure) {
                let answer = try await queues.call(
                    "ReceiveMessage", on: queue,
                    [
                        "MaxNumberOfMessages": .integer(Int64(limit)), "WaitTimeSeconds": .integer(seconds),
                        "VisibilityTimeout": .integer(JobQueueRules.visibility.components.seconds),
                    ], waiting: .seconds(seconds), persistence: Persistence(options, until: end))
                let now = options.time.monotonicNow()
                let messages = answer["Messages"]?.arrayValue ?? []
                var deliveries: [Delivery] = []
                for message in messages {
                    guard let handle = message["ReceiptHandle"]?.stringValue, !handle.isEmpty else { continue }
                    let body = message["Body"]?.stringValue ?? ""
                    if let notice = JobNotice(encoded: body.utf8) {
                        deliveries.append(Delivery(notice: notice, queue: queue, handle: handle, receivedAt: now))
                    } else {
                        await bury(body, handle: handle, from: queue)
                    }
                }
                // Who does not know how to wait would be asked without a pause.
                if messages.isEmpty, seconds > 0, now - start < .milliseconds(500) {
                    try await queues.client.sleep(.milliseconds(500))
                }
                return .success((messages.count, deliveries))
            } catch {
                return .failure(error)
            }
        }

        /// Puts what cannot be read among the dead letters and takes it out of its queue. What fails on the way comes again.
        private func bury(_ body: String, handle: String, from queue: JobQueue) async {
            let persistence = Persistence.brief(options)
            do throws(SQSFailure) {
                let text = body.isEmpty ? "(empty)" : body.cut(to: JobQueueRules.deadLetterScalarsMax)
                _ = try await queues.call(
                    "SendMessage", on: .deadLetters, ["MessageBody": .string(text)], persistence: persistence)
                _ = try await queues.call(
                    "DeleteMessage", on: queue, ["ReceiptHandle": .string(handle)], persistence: persistence)
                logger.warning(
                    "a message that is no notice was put among the dead letters", metadata: ["queue": "\(queue)"])
            } catch {
                logger.warning(
                    "a message that is no notice could not be put among the dead letters: \(error.code)",
                    metadata: ["queue": "\(queue)"])
            }
        }
    }
#endif
