#if Kafka
    import CKafka
    import Foundation
    import Logging
    import Martlet
    import Synchronization

    /// Appends to the topic, through an idempotent producer that is made anew when it has failed for good.
    final class LogWriter: Sendable {
        private let address: KafkaAddress
        private let options: KafkaOptions
        private let logger: Logger

        private struct State {
            var producer: Producer?
            var isClosed = false
        }
        private let state = Mutex(State())

        init(address: KafkaAddress, options: KafkaOptions, logger: Logger) {
            self.address = address
            self.options = options
            self.logger = logger
        }

        /// Returns when every entry is stored as `acks=all` has it.
        func append(_ batch: [InboxEntry]) async throws(StoreError) {
            guard !batch.isEmpty else { return }
            let producer = try usable()
            let result: Result<Void, StoreError> = await withCheckedContinuation { continuation in
                producer.send(batch, AppendTicket(count: batch.count, topic: address.topic, continuation: continuation))
            }
            try result.get()
        }

        /// Asks for the topic in a way that lets a broker make it that makes topics by itself.
        func announceTopic(timeout: Duration) throws(StoreError) { try usable().announceTopic(timeout: timeout) }

        /// Waits for what is on its way, up to the time it may take, and ends the connections.
        func close() async {
            let producer = state.withLock { state in
                state.isClosed = true
                return state.producer
            }
            producer?.retire(afterFlush: true)
            await producer?.ended()
        }

        private func usable() throws(StoreError) -> Producer {
            try state.withLock { state throws(StoreError) in
                guard !state.isClosed else { throw StoreError(.unavailable, "the Kafka log is closed") }
                if let producer = state.producer {
                    guard producer.hasFailedForGood else { return producer }
                    logger.warning("Kafka producer failed for good and is made anew")
                    producer.retire(afterFlush: false)
                }
                let producer = try Producer(address: address, options: options, logger: logger)
                state.producer = producer
                return producer
            }
        }
    }

    /// One idempotent producer and the thread that polls it for delivery reports, until it is retired.
    private final class Producer: @unchecked Sendable {
        private struct State {
            var isRetired = false
            var flushes = true
        }

        private let client: ClientHandle
        private let topic: OpaquePointer
        private let deliveryTimeout: Duration
        private let hasFailed = Atomic(false)
        /// Held while records are handed over, so that a batch stays together, and that none is handed to a client that ends.
        private let state = Mutex(State())
        private let threadEnded = DispatchGroup()

        init(address: KafkaAddress, options: KafkaOptions, logger: Logger) throws(StoreError) {
            deliveryTimeout = options.deliveryTimeout
            client = try ClientHandle(
                RD_KAFKA_PRODUCER, address: address,
                settings: [
                    "enable.idempotence": "true", "acks": "all",
                    "delivery.timeout.ms": "\(max(1000, options.deliveryTimeout.wholeMilliseconds))",
                    "request.timeout.ms": "\(min(5000, max(1000, options.deliveryTimeout.wholeMilliseconds)))",
                    "queue.buffering.max.messages": "\(options.sendingMax)", "queue.buffering.max.kbytes": "131072",
                    // What is sent together is given together; a pause to gather more would only delay the answer.
                    "linger.ms": "0",
                    // A webhook may have a megabyte, which is more than a topic takes as it is made by default; as JSON it
                    // shrinks to a fraction of that.
                    "message.max.bytes": "\(TopicQuestions.recordBytesMax)", "compression.codec": "lz4",
                    // As the Java client does it, so that other programs find a channel's partition.
                    "partitioner": "murmur2_random",
                ], logger: logger)
            guard let topic = rd_kafka_topic_new(client.pointer, address.topic, nil) else {
                rd_kafka_destroy(client.pointer)
                throw StoreError(.unusable, "librdkafka does not take the topic \(address.topic)")
            }
            self.topic = topic
            client.events.onError = { [weak self, logger] code, reason in
                if code == RD_KAFKA_RESP_ERR__FATAL { self?.noteFailure() }
                logger.debug(
                    "Kafka producer", metadata: ["error": "\(KafkaFailure.text(code))", "reason": "\(reason)"])
            }
            threadEnded.enter()
            let thread = Thread { self.pollUntilRetired() }
            thread.name = "kafka-producer"
            thread.stackSize = 1 << 20
            thread.start()
        }

        var hasFailedForGood: Bool { hasFailed.load(ordering: .acquiring) }

        private func noteFailure() { hasFailed.store(true, ordering: .releasing) }

        /// Hands the records over. The ticket hears of each of them.
        func send(_ batch: [InboxEntry], _ ticket: AppendTicket) {
            state.withLock { state in
                guard !state.isRetired else {
                    ticket.report(RD_KAFKA_RESP_ERR__DESTROY)
                    return
                }
                for entry in batch {
                    var value = entry.encoded()
                    var key = Array(entry.channel.text.utf8)
                    let opaque = Unmanaged.passRetained(ticket)
                    let refused = rd_kafka_produce(
                        topic, martlet_partition_by_key, RD_KAFKA_MSG_F_COPY, &value, value.count, &key, key.count,
                        opaque.toOpaque())
                    guard refused != 0 else { continue }
                    opaque.release()
                    let code = rd_kafka_last_error()
                    if code == RD_KAFKA_RESP_ERR__FATAL { noteFailure() }
                    // Those before it may still be stored: what is appended once more comes twice then.
                    ticket.report(code)
                    return
                }
            }
        }

        func announceTopic(timeout: Duration) throws(StoreError) {
            var metadata: UnsafePointer<rd_kafka_metadata>?
            let code = rd_kafka_metadata(client.pointer, 0, topic, &metadata, timeout.wholeMilliseconds)
            if let metadata { rd_kafka_metadata_destroy(metadata) }
            guard code == RD_KAFKA_RESP_ERR_NO_ERROR else {
                throw KafkaFailure.error(code, doing: "ask for the topic")
            }
        }

        /// Takes no more, and ends when what is on its way has been reported; without the flush, it is given up at once.
        func retire(afterFlush flushes: Bool) {
            state.withLock { state in
                state.isRetired = true
                state.flushes = flushes
            }
        }

        func ended() async {
            await withCheckedContinuation { continuation in
                threadEnded.notify(queue: .global()) { continuation.resume() }
            }
        }

        private func pollUntilRetired() {
            while true {
                rd_kafka_poll(client.pointer, 100)
                let now = state.withLock(\.self)
                guard now.isRetired else { continue }
                if now.flushes { rd_kafka_flush(client.pointer, deliveryTimeout.wholeMilliseconds) }
                break
            }
            rd_kafka_purge(client.pointer, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT)
            while rd_kafka_outq_len(client.pointer) > 0 { rd_kafka_poll(client.pointer, 100) }
            rd_kafka_topic_destroy(topic)
            rd_kafka_destroy(client.pointer)
            threadEnded.leave()
        }
    }
#endif
