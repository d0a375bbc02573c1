#if Kafka
    import CKafka
    import Foundation
    import Martlet

    /// A thread that commits what is due, for all who have completed something meanwhile at once.
    ///
    /// A commit that fails is tried again until there is nothing due any more: it was noted, or the partition is another's.
    final class OffsetCommitter: @unchecked Sendable {
        private struct Waiter {
            let number: Int
            let deadline: ContinuousClock.Instant
            let continuation: CheckedContinuation<Result<Void, StoreError>, Never>
        }

        // Touched with the condition's lock held.
        private let condition = NSCondition()
        private var requested = 0
        private var waiters: [Waiter] = []
        private var isClosed = false

        private let timeout: Duration
        private let due: @Sendable () -> [InboxLedger.Mark]
        private let commit: @Sendable ([InboxLedger.Mark], () -> Bool) -> OffsetCommit
        private let ended = DispatchGroup()

        private static let firstPause: Duration = .milliseconds(100)
        private static let longestPause: Duration = .seconds(2)

        /// - Parameters:
        ///   - timeout: how long a call may wait for the coordinator.
        ///   - due: what is to be committed now.
        ///   - commit: commits that, and takes note of it; asks its second argument whether to wait on.
        init(
            timeout: Duration, due: @escaping @Sendable () -> [InboxLedger.Mark],
            commit: @escaping @Sendable ([InboxLedger.Mark], () -> Bool) -> OffsetCommit
        ) {
            self.timeout = timeout
            self.due = due
            self.commit = commit
            ended.enter()
            let thread = Thread { [self] in
                run()
                ended.leave()
            }
            thread.name = "kafka-commits"
            thread.stackSize = 1 << 20
            thread.start()
        }

        /// Returns when what is due now is committed.
        /// - throws: ``StoreError/Code/unavailable`` when that takes too long; it is still committed as soon as it can be.
        func commitDue() async throws(StoreError) {
            let result: Result<Void, StoreError> = await withCheckedContinuation { continuation in
                let isRefused = condition.withLock {
                    guard !isClosed else { return true }
                    requested += 1
                    waiters.append(
                        Waiter(number: requested, deadline: .now + timeout, continuation: continuation))
                    condition.signal()
                    return false
                }
                if isRefused { continuation.resume(returning: .failure(Self.closed)) }
            }
            try result.get()
        }

        /// Ends the thread; what is due then is left to whoever closes the consumer.
        func close(_ didEnd: @escaping @Sendable () -> Void) {
            condition.withLock {
                isClosed = true
                condition.broadcast()
            }
            ended.notify(queue: .global()) { didEnd() }
        }

        private static let closed = StoreError(.unavailable, "the Kafka log is closed")

        private func run() {
            var isRetry = false
            var pause = Self.firstPause
            while let number = next(after: isRetry ? pause : nil) {
                let marks = due()
                let result = commit(marks) { self.goesOn() }
                isRetry = result.code != RD_KAFKA_RESP_ERR_NO_ERROR
                if isRetry {
                    pause = min(pause * 2, Self.longestPause)
                    finish({ $0.deadline <= .now }, .failure(KafkaFailure.error(result.code, doing: "commit offsets")))
                } else {
                    pause = Self.firstPause
                    finish({ $0.number <= number }, .success(()))
                }
            }
            finish({ _ in true }, .failure(Self.closed))
        }

        /// Blocks until somebody waits, or the pause is over; the number of the newest who waits, or nil when closed.
        private func next(after pause: Duration?) -> Int? {
            condition.withLock {
                if let pause {
                    let end = Date(timeIntervalSinceNow: pause / .seconds(1))
                    while !isClosed, condition.wait(until: end) {}
                } else {
                    while waiters.isEmpty, !isClosed { condition.wait() }
                }
                return isClosed ? nil : requested
            }
        }

        /// Called while a commit is under way: lets those go who have waited long enough.
        private func goesOn() -> Bool {
            let late = StoreError(
                .unavailable, "Kafka: the offsets are not committed yet", remedy: KafkaFailure.reachability)
            finish({ $0.deadline <= .now }, .failure(late))
            return condition.withLock { !isClosed }
        }

        private func finish(_ isMeant: (Waiter) -> Bool, _ result: Result<Void, StoreError>) {
            let meant = condition.withLock {
                let meant = waiters.filter(isMeant)
                if !meant.isEmpty { waiters.removeAll(where: isMeant) }
                return meant
            }
            for waiter in meant { waiter.continuation.resume(returning: result) }
        }
    }
#endif
