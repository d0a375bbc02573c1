#if Kafka
    import Logging
    import Martlet

    /// The log of webhooks in one Kafka topic, for any number of processes in one consumer group.
    ///
    /// **Appending.** An idempotent producer with `acks=all`: a call returns when all replicas that are in sync have its
    /// entries. The record's key is the channel's id, so that a channel's webhooks stay in their order in one partition. Not
    /// the message's id, which would spread better: a body is stored before anything in it is read.
    ///
    /// **Reading.** The group gives each partition to one process at a time, cooperatively, so that those that stay are read
    /// on during a change. Offsets are committed up to the lowest entry that is not completed: when a process ends, its
    /// successor gets that entry and all after it, also those that were completed out of turn, once more. What is held of a
    /// partition that is taken away is forgotten here and given out there.
    ///
    /// **Sequences** hold a record's partition and offset, see ``RecordSequence``. No call blocks the caller's thread.
    package final class KafkaInboxLog: InboxLog {
        private let writer: LogWriter
        private let reader: LogReader
        private let questions: TopicQuestions
        /// Questions that block until brokers answer, one at a time.
        private let questionCalls: CallQueue<@Sendable () -> Void>

        private init(address: KafkaAddress, options: KafkaOptions, logger: Logger) throws(StoreError) {
            reader = try LogReader(address: address, options: options, logger: logger)
            writer = LogWriter(address: address, options: options, logger: logger)
            questions = TopicQuestions(client: reader.client, topic: address.topic, options: options)
            questionCalls = CallQueue(
                name: "kafka-questions", waitingMax: 64, server: "the Kafka brokers",
                closed: StoreError(.unavailable, "the Kafka log is closed")
            ) { calls in
                while let call = calls.take() { call() }
            }
        }

        /// Connects, and makes the topic when it is not there.
        /// - parameter url: as ``KafkaAddress`` reads it.
        /// - throws: ``StoreError/Code/unavailable`` when the brokers cannot be reached or refuse the user;
        ///   ``StoreError/Code/unusable`` when the URL is none, or the topic is not there and cannot be made.
        package static func open(
            url: String, options: KafkaOptions = KafkaOptions(), logger: Logger
        ) async throws(StoreError) -> KafkaInboxLog {
            let log = try KafkaInboxLog(address: try KafkaAddress(url: url), options: options, logger: logger)
            do throws(StoreError) {
                let (questions, writer) = (log.questions, log.writer)
                try await log.ask { () throws(StoreError) in
                    try questions.ensureTopic { () throws(StoreError) in
                        try writer.announceTopic(timeout: options.answerTimeout)
                    }
                }
            } catch {
                await log.close()
                throw error
            }
            return log
        }

        /// - throws: ``StoreError/Code/unavailable`` when the brokers do not store it in the time they may take; part of the
        ///   batch may be stored then, and later. ``StoreError/Code/overloaded`` when too much is on its way.
        package func append(_ batch: [InboxEntry]) async throws(StoreError) { try await writer.append(batch) }

        /// The first call makes this process join the group, which takes the brokers some seconds.
        /// - throws: when the topic or the group may not be read; while the brokers are away, there is just nothing to give.
        package func lease(limit: Int, for duration: Duration, wait: Duration) async throws(StoreError)
            -> [LeasedInboxEntry]
        {
            try await reader.lease(limit: limit, for: duration, wait: wait)
        }

        /// - throws: ``StoreError/Code/unavailable`` when the brokers have not noted it in the time they may take. The entries
        ///   are completed all the same in this process, and noted as soon as that can be.
        package func complete(_ sequences: [Int64]) async throws(StoreError) { try await reader.complete(sequences) }

        /// Counts offsets, over all partitions. In those of other processes, what they completed out of turn counts as waiting.
        /// The time is that of the oldest entry that this process has read.
        package func depth() async throws(StoreError) -> (waiting: Int, oldestReceivedAt: Timestamp?) {
            let (questions, reader) = (questions, reader)
            let waiting = try await ask { () throws(StoreError) in
                try questions.waiting { reader.positions }
            }
            return (waiting, waiting == 0 ? nil : reader.oldestReceivedAt)
        }

        package func check() async throws(StoreError) {
            let questions = questions
            try await ask { () throws(StoreError) in try questions.check() }
        }

        /// - throws: what the question does; ``StoreError/Code/overloaded`` when too many wait.
        private func ask<Value: Sendable>(
            _ question: @escaping @Sendable () throws(StoreError) -> Value
        ) async throws(StoreError) -> Value {
            try await questionCalls.outcome(refused: Result<Value, StoreError>.failure) { answer in
                { answer(Result(catching: question)) }
            }.get()
        }

        package func close() async {
            await questionCalls.close()
            await reader.close()
            await writer.close()
        }
    }
#endif
