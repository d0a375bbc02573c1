#if SQS
    import Martlet

    extension SQSBroker {
        /// Looks into the queues one after the other, high priority first, and waits for all of them together when there is
        /// nothing. SQS may pass over a few notices at a short look, so the order is near, not strict.
        ///
        /// Answers with none when the task is cancelled.
        package func receive(limit: Int, wait: Duration) async throws(StoreError) -> [DeliveredJob] {
            try makeSureOfOpen()
            guard limit > 0 else { return [] }
            let start = options.time.monotonicNow()
            let end = start + max(.zero, wait)
            // Long enough to get over a connection that the other side had closed.
            let retryUntil = max(end, start + .seconds(1))
            var taken: [DeliveredJob] = []
            for queue in JobQueue.byPriority where taken.count < limit {
                do throws(SQSFailure) {
                    try await look(into: queue, limit: limit, retryUntil: retryUntil, taken: &taken)
                } catch {
                    guard taken.isEmpty else { break }
                    throw error.storeError(doing: "ReceiveMessage")
                }
            }
            if !taken.isEmpty || wait <= .zero { return taken }
            return try await waitForSome(limit: limit, end: end)
        }

        /// Takes what is waiting here and, as far as that is not enough, what is in the queue now.
        private func look(
            into queue: JobQueue, limit: Int, retryUntil end: MonotonicInstant, taken: inout [DeliveredJob]
        ) async throws(SQSFailure) {
            taken += await takeWaiting(from: queue, limit: limit - taken.count)
            var requests = 1
            while taken.count < limit, !Task.isCancelled {
                let polls = startShortPolls(of: queue, requests: requests, room: limit - taken.count, retryUntil: end)
                var messages = 0
                for poll in polls { messages += try await poll.result() }
                taken += await takeWaiting(from: queue, limit: limit - taken.count)
                if messages == 0 { return }
                requests *= 2
            }
        }

        /// Waits at all queues together.
        private func waitForSome(limit: Int, end: MonotonicInstant) async throws(StoreError) -> [DeliveredJob] {
            let signal = WakeSignal()
            let number = state.withLock { state in
                let number = state.nextNumber()
                state.waiters[number] = signal
                return number
            }
            defer { state.withLock { state in state.waiters[number] = nil } }
            var polls: [JobQueue: Poll] = [:]
            var failures: [JobQueue: SQSFailure] = [:]
            while true {
                for (queue, poll) in polls {
                    guard let outcome = poll.outcome else { continue }
                    polls[queue] = nil
                    if case .failure(let failure) = outcome { failures[queue] = failure }
                }
                var taken: [DeliveredJob] = []
                for queue in JobQueue.byPriority {
                    taken += await takeWaiting(from: queue, limit: limit - taken.count)
                }
                if !taken.isEmpty || Task.isCancelled { return taken }
                try makeSureOfOpen()
                let left = end - options.time.monotonicNow()
                if left <= .zero || failures.count == JobQueue.byPriority.count {
                    if let failure = failures.values.first { throw failure.storeError(doing: "ReceiveMessage") }
                    return []
                }
                for queue in JobQueue.byPriority where polls[queue] == nil && failures[queue] == nil {
                    polls[queue] = longPoll(of: queue, limit: limit, wait: left, retryUntil: end)
                }
                await signal.wait(atMost: left, time: options.time)
            }
        }

        /// Hands out what came earlier. What has waited for too long is given back instead.
        private func takeWaiting(from queue: JobQueue, limit: Int) async -> [DeliveredJob] {
            let now = options.time.monotonicNow()
            let (deliveries, stale) = state.withLock { $0.desk.take(from: queue, limit: limit, now: now) }
            if !stale.isEmpty { await giveBack(stale) }
            return deliveries
        }
    }
#endif
