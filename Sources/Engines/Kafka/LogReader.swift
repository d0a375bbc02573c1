#if Kafka
    import CKafka
    import Foundation
    import Logging
    import Martlet
    import Synchronization

    /// Reads the partitions that the consumer group gives to this process, and holds what was read until it is completed.
    ///
    /// The consumer joins the group at the first lease, so that a process that only appends takes no partitions. One thread
    /// polls; another commits. Everything that both and the callers touch is behind one lock, which is held for moments.
    final class LogReader: @unchecked Sendable {
        typealias LeaseResult = Result<[LeasedInboxEntry], StoreError>

        private struct Waiter {
            let id: UInt64
            let limit: Int
            let duration: Duration
            let deadline: ContinuousClock.Instant
            let continuation: CheckedContinuation<LeaseResult, Never>
        }

        private struct State {
            var ledger = InboxLedger()
            var waiters: [Waiter] = []
            var nextID: UInt64 = 0
            /// When somebody asked or was answered last.
            var lastLeaseAt: ContinuousClock.Instant?
            /// What keeps this process from reading, and does not go by itself.
            var problem: StoreError?
            var isClosed = false
        }

        let client: ClientHandle
        let topic: String
        private let options: KafkaOptions
        private let logger: Logger
        private let queue: OpaquePointer
        private let state = Mutex(State())
        private let threadEnded = DispatchGroup()
        private let committer: OffsetCommitter

        // Touched by the polling thread alone.
        private var isSubscribed = false
        private var isFull = false
        private var paused: Set<Int32> = []
        private var skipped = Skipped()

        private struct Skipped {
            var count = 0
            var first: InboxLedger.Mark?
        }

        private static let pollTimeout: Int32 = 100
        private static let batchMax = 500
        /// Records of one partition that are on record, most of them completed above one that is not.
        private static let recordsMax = 50_000

        init(address: KafkaAddress, options: KafkaOptions, logger: Logger) throws(StoreError) {
            topic = address.topic
            self.options = options
            self.logger = logger
            let sessionTimeout = max(1000, options.sessionTimeout.wholeMilliseconds)
            client = try ClientHandle(
                RD_KAFKA_CONSUMER, address: address,
                settings: [
                    "group.id": address.group ?? options.group,
                    "partition.assignment.strategy": "cooperative-sticky",
                    "session.timeout.ms": "\(sessionTimeout)", "heartbeat.interval.ms": "\(sessionTimeout / 10)",
                    "max.poll.interval.ms": "\(max(300_000, sessionTimeout))",
                    "enable.auto.commit": "false", "enable.auto.offset.store": "false",
                    "auto.offset.reset": "earliest", "allow.auto.create.topics": "false",
                    "queued.min.messages": "1000", "queued.max.messages.kbytes": "8192", "fetch.wait.max.ms": "250",
                ], logger: logger)
            rd_kafka_poll_set_consumer(client.pointer)
            queue = rd_kafka_queue_get_consumer(client.pointer)
            let box = CommitSource()
            committer = OffsetCommitter(
                timeout: options.commitTimeout, due: { box.reader?.commitsDue() ?? [] },
                commit: { marks, goesOn in box.reader?.commit(marks, while: goesOn) ?? OffsetCommit() })
            box.reader = self
            client.events.onError = { [weak self] code, reason in self?.note(code, reason) }
            client.events.onRebalance = { [weak self] code, partitions in self?.rebalance(code, partitions) }
            threadEnded.enter()
            let thread = Thread { self.run() }
            thread.name = "kafka-consumer"
            thread.stackSize = 1 << 20
            thread.start()
        }

        /// Lets the committer's closures name a reader that is not made yet; nothing is committed before it is.
        private final class CommitSource: @unchecked Sendable {
            weak var reader: LogReader?
        }

        /// What this process knows about its partitions without asking: the lowest offset that is not completed, and how many
        /// above it are.
        var positions: [Int32: (lowestUncompleted: Int64, completedAbove: Int)] {
            state.withLock { state in
                state.ledger.partitions.compactMapValues { partition in
                    partition.lowestUncompleted.map { ($0, partition.completedCount) }
                }
            }
        }

        /// When the oldest of what is held was received.
        var oldestReceivedAt: Timestamp? { state.withLock(\.ledger.oldestReceivedAt) }

        /// See ``InboxLog/lease(limit:for:wait:)``.
        func lease(limit: Int, for duration: Duration, wait: Duration) async throws(StoreError) -> [LeasedInboxEntry] {
            guard limit > 0 else { return [] }
            let id = state.withLock { state in
                state.nextID += 1
                return state.nextID
            }
            let result = await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    ask(
                        Waiter(
                            id: id, limit: limit, duration: duration,
                            deadline: .now + (Task.isCancelled ? .zero : wait), continuation: continuation))
                }
            } onCancel: {
                let waiter = state.withLock { state in
                    state.waiters.firstIndex { $0.id == id }.map { state.waiters.remove(at: $0) }
                }
                waiter?.continuation.resume(returning: .success([]))
            }
            return try result.get()
        }

        /// See ``InboxLog/complete(_:)``. Returns when the group's coordinator has noted what can be committed.
        func complete(_ sequences: [Int64]) async throws(StoreError) {
            let isDue = state.withLock { state in
                state.ledger.complete(sequences)
                return !state.ledger.commitsDue().isEmpty
            }
            if isDue { try await committer.commitDue() }
        }

        /// Commits what can be, leaves the group and ends the connections.
        func close() async {
            let waiters = state.withLock { state in
                guard !state.isClosed else { return [] as [Waiter] }
                state.isClosed = true
                rd_kafka_queue_yield(queue)
                defer { state.waiters = [] }
                return state.waiters
            }
            for waiter in waiters { waiter.continuation.resume(returning: .success([])) }
            await withCheckedContinuation { continuation in
                threadEnded.notify(queue: .global()) { continuation.resume() }
            }
        }

        /// Answers at once, or puts the waiter on the list.
        private func ask(_ waiter: Waiter) {
            let answer: LeaseResult? = state.withLock { state in
                guard !state.isClosed else {
                    return .failure(StoreError(.unavailable, "the Kafka log is closed"))
                }
                let now = ContinuousClock.now
                state.lastLeaseAt = now
                if let answer = Self.answer(to: waiter, from: &state, now: now) { return answer }
                state.waiters.append(waiter)
                return nil
            }
            if let answer { waiter.continuation.resume(returning: answer) }
        }

        /// Entries if there are any; when the wait is over, none; else nil.
        private static func answer(to waiter: Waiter, from state: inout State, now: ContinuousClock.Instant)
            -> LeaseResult?
        {
            let entries = state.ledger.lease(limit: waiter.limit, now: now, duration: waiter.duration)
            if !entries.isEmpty { return .success(entries) }
            guard waiter.deadline <= now else { return nil }
            return state.problem.map { .failure($0) } ?? .success([])
        }
    }

    // The polling thread.
    extension LogReader {
        private func run() {
            while true {
                let now = state.withLock { ($0.isClosed, $0.lastLeaseAt, $0.waiters.isEmpty) }
                guard !now.0 else { break }
                let isWanted = now.1.map { !now.2 || ContinuousClock.now - $0 < options.idleTimeout } ?? false
                if isWanted != isSubscribed { isWanted ? subscribe() : unsubscribe() }
                poll()
                answerWaiters()
                adjustFlow()
            }
            close(committer)
            rd_kafka_consumer_close(client.pointer)
            rd_kafka_queue_destroy(queue)
            rd_kafka_destroy(client.pointer)
            threadEnded.leave()
        }

        /// Blocks this thread, not one of the pool's, until the committing thread has ended.
        private func close(_ committer: OffsetCommitter) {
            let ended = DispatchSemaphore(value: 0)
            committer.close { ended.signal() }
            ended.wait()
        }

        private func subscribe() {
            let list = rd_kafka_topic_partition_list_new(1)
            defer { rd_kafka_topic_partition_list_destroy(list) }
            rd_kafka_topic_partition_list_add(list, topic, martlet_partition_by_key)
            let code = rd_kafka_subscribe(client.pointer, list)
            if code == RD_KAFKA_RESP_ERR_NO_ERROR { isSubscribed = true } else { note(code, "") }
        }

        private func unsubscribe() {
            if rd_kafka_unsubscribe(client.pointer) == RD_KAFKA_RESP_ERR_NO_ERROR { isSubscribed = false }
        }

        private func poll() {
            var timeout = Self.pollTimeout
            for _ in 0..<min(Self.batchMax, options.heldMax) {
                guard let message = rd_kafka_consumer_poll(client.pointer, timeout) else { break }
                timeout = 0
                take(message.pointee)
                rd_kafka_message_destroy(message)
            }
            if skipped.count > 0 {
                logger.warning(
                    "Records of the topic are no entries and were skipped",
                    metadata: [
                        "topic": "\(topic)", "count": "\(skipped.count)",
                        "partition": "\(skipped.first?.partition ?? 0)", "offset": "\(skipped.first?.offset ?? 0)",
                    ])
                skipped = Skipped()
            }
        }

        private func take(_ message: rd_kafka_message_t) {
            guard message.err == RD_KAFKA_RESP_ERR_NO_ERROR else {
                note(message.err, "")
                return
            }
            let entry = InboxEntry(encoded: UnsafeRawBufferPointer(start: message.payload, count: message.len))
            let isReadable = entry != nil && RecordSequence(partition: message.partition, offset: message.offset) != nil
            if !isReadable {
                skipped.count += 1
                if skipped.first == nil {
                    skipped.first = InboxLedger.Mark(partition: message.partition, offset: message.offset)
                }
            }
            let isContinuation = state.withLock { state in
                state.problem = nil
                return state.ledger.append(
                    partition: message.partition, offset: message.offset, entry: isReadable ? entry : nil)
            }
            if !isContinuation {
                logger.warning(
                    "A partition of the topic began anew; what was read of it before is forgotten",
                    metadata: [
                        "topic": "\(topic)", "partition": "\(message.partition)", "offset": "\(message.offset)",
                    ])
            }
        }

        private func answerWaiters() {
            let answers = state.withLock { state in
                guard !state.waiters.isEmpty else { return [] as [(Waiter, LeaseResult)] }
                let now = ContinuousClock.now
                var answers: [(Waiter, LeaseResult)] = []
                var rest: [Waiter] = []
                for waiter in state.waiters {
                    if let answer = Self.answer(to: waiter, from: &state, now: now) {
                        answers.append((waiter, answer))
                    } else {
                        rest.append(waiter)
                    }
                }
                state.waiters = rest
                if !answers.isEmpty { state.lastLeaseAt = now }
                return answers
            }
            for (waiter, answer) in answers { waiter.continuation.resume(returning: answer) }
        }

        /// Pauses partitions while too much is held, and lets them go on when half of it is gone.
        private func adjustFlow() {
            let (entries, bytes, long, all) = state.withLock { state in
                (
                    state.ledger.entryCount, state.ledger.bodyBytes,
                    state.ledger.partitions.filter { $0.value.recordCount >= Self.recordsMax }.keys,
                    state.ledger.partitions.keys
                )
            }
            isFull =
                isFull
                ? entries > options.heldMax / 2 || bytes > options.heldBytesMax / 2
                : entries >= options.heldMax || bytes >= options.heldBytesMax
            let wanted = Set(isFull ? Array(all) : Array(long))
            let toPause = wanted.subtracting(paused)
            let toResume = paused.subtracting(wanted)
            paused = wanted
            withList(toPause) { _ = rd_kafka_pause_partitions(client.pointer, $0) }
            withList(toResume) { _ = rd_kafka_resume_partitions(client.pointer, $0) }
        }

        private func withList(_ numbers: Set<Int32>, _ body: (ClientEvents.Partitions) -> Void) {
            guard !numbers.isEmpty, let list = rd_kafka_topic_partition_list_new(Int32(numbers.count)) else { return }
            defer { rd_kafka_topic_partition_list_destroy(list) }
            for number in numbers { rd_kafka_topic_partition_list_add(list, topic, number) }
            body(list)
        }

        /// Hears of what went wrong: most of it goes by itself.
        private func note(_ code: rd_kafka_resp_err_t, _ reason: String) {
            guard KafkaFailure.needsOperator(code) else {
                logger.debug(
                    "Kafka consumer", metadata: ["error": "\(KafkaFailure.text(code))", "reason": "\(reason)"])
                return
            }
            let problem = KafkaFailure.error(code, doing: "read the topic \(topic)")
            let isNew = state.withLock { state in
                defer { state.problem = problem }
                return state.problem?.message != problem.message
            }
            if isNew { logger.warning("Kafka consumer", metadata: ["error": "\(KafkaFailure.text(code))"]) }
        }
    }

    // Commits, and what the group gives and takes.
    extension LogReader {
        private func commitsDue() -> [InboxLedger.Mark] { state.withLock { $0.ledger.commitsDue() } }

        private func commit(_ marks: [InboxLedger.Mark], while goesOn: () -> Bool) -> OffsetCommit {
            let result = OffsetCommit(marks, topic: topic, client: client, while: goesOn)
            state.withLock { $0.ledger.didCommit(result.noted) }
            return result
        }

        /// Called on the polling thread, which the library needs the answer of before it goes on.
        private func rebalance(_ code: rd_kafka_resp_err_t, _ list: ClientEvents.Partitions) {
            let numbers = (0..<Int(list.pointee.cnt)).map { list.pointee.elems[$0].partition }
            let isCooperative = rd_kafka_rebalance_protocol(client.pointer).map { String(cString: $0) } == "COOPERATIVE"
            if code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS {
                state.withLock { state in
                    state.ledger.assign(numbers)
                    state.problem = nil
                }
                if isCooperative {
                    rd_kafka_error_destroy(rd_kafka_incremental_assign(client.pointer, list))
                } else {
                    rd_kafka_assign(client.pointer, list)
                }
            } else {
                // When the group has given them away without asking, they are another's to commit.
                if rd_kafka_assignment_lost(client.pointer) == 0 {
                    let deadline = ContinuousClock.now + min(options.commitTimeout, .seconds(5))
                    let due = state.withLock { $0.ledger.commitsDue(of: numbers) }
                    let result = commit(due) { ContinuousClock.now < deadline }
                    if result.code != RD_KAFKA_RESP_ERR_NO_ERROR {
                        logger.warning(
                            "Offsets were not committed before partitions went; their entries come again",
                            metadata: ["error": "\(KafkaFailure.text(result.code))"])
                    }
                }
                state.withLock { $0.ledger.forget(numbers) }
                paused.subtract(numbers)
                if isCooperative {
                    rd_kafka_error_destroy(rd_kafka_incremental_unassign(client.pointer, list))
                } else {
                    rd_kafka_assign(client.pointer, nil)
                }
            }
            logger.info(
                "Kafka partitions \(code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS ? "given" : "taken away")",
                metadata: ["topic": "\(topic)", "partitions": "\(numbers.sorted())"])
        }
    }
#endif
