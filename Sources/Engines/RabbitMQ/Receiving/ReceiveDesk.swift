#if RabbitMQ
    import Dispatch
    import Martlet
    import Synchronization

    /// Where those who receive and the thread that has the connection meet: what is ready, who waits, what is acknowledged.
    final class ReceiveDesk: Sendable {
        /// A notice, and the number it was delivered with.
        struct HeldJob {
            var tag: UInt64
            var notice: JobNotice
        }

        /// What the thread is to do.
        struct Errands {
            var isClosed: Bool
            /// Whether somebody waits for notices, or did a moment ago.
            var isWanted: Bool
            var acknowledged: [UInt64] = []
            /// To be given back: nobody asks for them, or they were handed out too long ago.
            var givenBack: [UInt64] = []
            /// Came before their time, and are to be published to the next delay queue.
            var early: [HeldJob] = []
        }

        private struct Waiter {
            var id: UInt64
            var limit: Int
            var continuation: CheckedContinuation<Result<[DeliveredJob], StoreError>, Never>
        }

        private struct State {
            var held: Held
            var waiters: [Waiter] = []
            var lastWaiter: UInt64 = 0
            var lastAsked: ContinuousClock.Instant?
            var acknowledged: [UInt64] = []
            var early: [HeldJob] = []
            /// Whether every consumer has begun, so that what is ready is what goes first.
            var isOpen = false
            var isClosed = false
            /// Counts the connections: what was meant for an earlier one is passed over.
            var generation = 0
            var failure: StoreError?

            /// What was held, and what was to be done with it, means nothing any more.
            mutating func void() {
                generation += 1
                isOpen = false
                held.void()
                acknowledged = []
                early = []
            }

            /// Hands out what is ready to those who wait, who came first first.
            mutating func serve() -> [(Waiter, [DeliveredJob])] {
                var served: [(Waiter, [DeliveredJob])] = []
                while isOpen, held.hasReady, !waiters.isEmpty {
                    let waiter = waiters.removeFirst()
                    lastAsked = .now
                    served.append((waiter, held.handOut(limit: waiter.limit, now: .now)))
                }
                return served
            }
        }

        private let state: Mutex<State>
        /// Wakes the thread.
        let pipe = WakePipe()
        private let options: RabbitMQOptions

        init(_ options: RabbitMQOptions) {
            self.options = options
            state = Mutex(State(held: Held(mark: String(UInt64.random(in: .min ... .max), radix: 36))))
        }

        // MARK: Those who receive

        /// - throws: why there is no connection, when there is none at the end of the wait.
        func receive(limit: Int, wait: Duration) async throws(StoreError) -> [DeliveredJob] {
            guard limit > 0 else { return [] }
            let id = state.withLock { state in
                state.lastWaiter += 1
                return state.lastWaiter
            }
            let result: Result<[DeliveredJob], StoreError> = await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    enqueue(Waiter(id: id, limit: limit, continuation: continuation), wait: wait)
                }
            } onCancel: {
                expire(id)
            }
            return try result.get()
        }

        func acknowledge(_ receipts: [String]) throws(StoreError) {
            let (isClosed, hasSome) = state.withLock { state in
                state.acknowledged += state.held.acknowledge(receipts)
                return (state.isClosed, !state.acknowledged.isEmpty)
            }
            if isClosed { throw .closed }
            if hasSome { pipe.wake() }
        }

        /// - throws: why nothing can be received.
        func check() throws(StoreError) {
            let (isClosed, failure) = state.withLock { ($0.isClosed, $0.failure) }
            if isClosed { throw .closed }
            if let failure { throw failure }
        }

        func close() {
            let waiters = state.withLock { state in
                state.isClosed = true
                defer { state.waiters = [] }
                return state.waiters
            }
            for waiter in waiters { waiter.continuation.resume(returning: .failure(.closed)) }
            pipe.wake()
        }

        private func enqueue(_ waiter: Waiter, wait: Duration) {
            let answer: Result<[DeliveredJob], StoreError>? = state.withLock { state in
                if state.isClosed { return .failure(.closed) }
                state.lastAsked = .now
                if state.isOpen, state.waiters.isEmpty, state.held.hasReady {
                    return .success(state.held.handOut(limit: waiter.limit, now: .now))
                }
                if wait <= .zero || Task.isCancelled { return state.failure.map { .failure($0) } ?? .success([]) }
                state.waiters.append(waiter)
                return nil
            }
            if let answer {
                waiter.continuation.resume(returning: answer)
            } else {
                let seconds = min(wait / .seconds(1), 86_400)
                DispatchQueue.global().asyncAfter(deadline: .now() + seconds) { [weak self] in self?.expire(waiter.id) }
            }
            pipe.wake()
        }

        /// A wait is over.
        private func expire(_ id: UInt64) {
            let (waiter, failure): (Waiter?, StoreError?) = state.withLock { state in
                guard let index = state.waiters.firstIndex(where: { $0.id == id }) else { return (nil, nil) }
                state.lastAsked = .now
                return (state.waiters.remove(at: index), state.failure)
            }
            waiter?.continuation.resume(returning: failure.map { .failure($0) } ?? .success([]))
        }

        // MARK: The thread

        /// Takes what there is to do.
        func errands() -> Errands {
            state.withLock { state in
                let now = ContinuousClock.now
                let isWanted =
                    !state.waiters.isEmpty || (state.lastAsked.map { $0 + options.idleMax > now } ?? false)
                var errands = Errands(isClosed: state.isClosed, isWanted: isWanted)
                swap(&errands.acknowledged, &state.acknowledged)
                swap(&errands.early, &state.early)
                errands.givenBack = state.held.takeBack(before: now - options.holdMax)
                if !isWanted { errands.givenBack += state.held.takeBackReady() }
                return errands
            }
        }

        /// Notices come, or nobody wants any.
        func recovered() { state.withLock { $0.failure = nil } }

        /// Notices that are due came; those who wait get them once the consumers have begun.
        func arrived(_ jobs: [HeldJob]) {
            let served = state.withLock { state in
                for job in jobs { state.held.arrived(job.notice, tag: job.tag) }
                return state.serve()
            }
            for (waiter, deliveries) in served { waiter.continuation.resume(returning: .success(deliveries)) }
        }

        /// Every consumer has begun, or all have ended.
        func setOpen(_ isOpen: Bool) {
            let served = state.withLock { state in
                state.isOpen = isOpen
                return state.serve()
            }
            for (waiter, deliveries) in served { waiter.continuation.resume(returning: .success(deliveries)) }
        }

        /// The channel is a new one, without consumers yet; receipts of the one before are void.
        func renewed() { state.withLock { $0.void() } }

        /// The connection is lost, or there is none; all that was held is void.
        func lost(_ failure: StoreError) {
            state.withLock { state in
                state.failure = failure
                state.void()
            }
        }

        /// - returns: what ``settled(_:isPublished:generation:)`` takes to know the connection again.
        var generation: Int { state.withLock { $0.generation } }

        /// Early notices were published to the next delay queue, or could not be.
        func settled(_ jobs: [HeldJob], isPublished: Bool, generation: Int) {
            state.withLock { state in
                guard state.generation == generation else { return }
                if isPublished { state.acknowledged += jobs.map(\.tag) } else { state.early += jobs }
            }
            // What could not be published waits for the thread's next look, so that it is not tried without a pause.
            if isPublished { pipe.wake() }
        }
    }
#endif
