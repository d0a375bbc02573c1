#if Kafka
    import CKafka
    import Foundation
    import Martlet

    /// What is asked of the brokers about the topic. Every call blocks, at most for so long.
    struct TopicQuestions: Sendable {
        let client: ClientHandle
        let topic: String
        let options: KafkaOptions

        /// What a record may have, with room around the largest webhook.
        static let recordBytesMax = 2 << 20

        /// How a topic stands.
        struct Standing: Sendable {
            var code: rd_kafka_resp_err_t
            var partitions: [Int32] = []
            /// Partitions without a broker to read them from and write them to.
            var leaderless = 0
        }

        /// Asks how the topic stands.
        func standing(timeout: Duration) throws(StoreError) -> Standing {
            guard let handle = rd_kafka_topic_new(client.pointer, topic, nil) else {
                throw StoreError(.unusable, "librdkafka does not take the topic \(topic)")
            }
            defer { rd_kafka_topic_destroy(handle) }
            var answer: UnsafePointer<rd_kafka_metadata>?
            let code = rd_kafka_metadata(client.pointer, 0, handle, &answer, timeout.wholeMilliseconds)
            guard code == RD_KAFKA_RESP_ERR_NO_ERROR, let answer else {
                throw KafkaFailure.error(code, doing: "reach the brokers")
            }
            defer { rd_kafka_metadata_destroy(answer) }
            guard answer.pointee.topic_cnt == 1, let found = answer.pointee.topics?.pointee else {
                return Standing(code: RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
            }
            var standing = Standing(code: found.err)
            for index in 0..<Int(found.partition_cnt) {
                standing.partitions.append(found.partitions[index].id)
                if found.partitions[index].leader < 0 { standing.leaderless += 1 }
            }
            if standing.code == RD_KAFKA_RESP_ERR_NO_ERROR, standing.partitions.isEmpty {
                standing.code = RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART
            }
            return standing
        }

        /// Makes sure that the topic is there and every partition has its leader.
        func check() throws(StoreError) {
            let standing = try standing(timeout: options.answerTimeout)
            guard standing.code == RD_KAFKA_RESP_ERR_NO_ERROR else {
                throw KafkaFailure.error(standing.code, doing: "use the topic \(topic)")
            }
            guard standing.leaderless == 0 else {
                throw StoreError(
                    .unavailable,
                    "Kafka: \(standing.leaderless) of \(standing.partitions.count) partitions have no leader",
                    remedy: "bring back the brokers that have them")
            }
        }

        /// Makes the topic when it is not there, and waits until it can be used.
        /// - parameter announce: asks for the topic so that a broker that makes topics by itself does.
        func ensureTopic(announce: () throws(StoreError) -> Void) throws(StoreError) {
            let deadline = ContinuousClock.now + options.answerTimeout * 2
            var refusal: String?
            while true {
                let standing = try standing(timeout: options.answerTimeout)
                switch standing.code {
                case RD_KAFKA_RESP_ERR_NO_ERROR where standing.leaderless == 0:
                    guard standing.partitions.count <= RecordSequence.partitionsMax else {
                        throw StoreError(
                            .unusable, "the topic \(topic) has more than \(RecordSequence.partitionsMax) partitions")
                    }
                    return
                case RD_KAFKA_RESP_ERR_NO_ERROR, RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE: break
                case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
                    if refusal == nil {
                        refusal = try make()
                        if refusal != nil { try announce() }
                    }
                default: throw KafkaFailure.error(standing.code, doing: "use the topic \(topic)")
                }
                guard ContinuousClock.now < deadline else {
                    throw StoreError(
                        .unusable, "the topic \(topic) is not there\(refusal.map { " and was not made: \($0)" } ?? "")",
                        remedy: "make it: kafka-topics.sh --create --topic \(topic) --partitions \(options.partitions) "
                            + "--replication-factor 3 --config min.insync.replicas=2 "
                            + "--config max.message.bytes=\(Self.recordBytesMax)"
                    )
                }
                Thread.sleep(forTimeInterval: 0.1)
            }
        }

        /// Asks for the topic to be made.
        /// - returns: why it was not, in the brokers' words; empty when it was, or another process was quicker.
        private func make() throws(StoreError) -> String? {
            var reason = [CChar](repeating: 0, count: 256)
            guard
                let wanted = rd_kafka_NewTopic_new(
                    topic, Int32(options.partitions), Int32(options.replicationFactor), &reason, reason.count)
            else { return ClientHandle.text(reason) }
            defer { rd_kafka_NewTopic_destroy(wanted) }
            _ = rd_kafka_NewTopic_set_config(wanted, "max.message.bytes", "\(Self.recordBytesMax)")
            let settings = rd_kafka_AdminOptions_new(client.pointer, RD_KAFKA_ADMIN_OP_CREATETOPICS)
            defer { rd_kafka_AdminOptions_destroy(settings) }
            let timeout = options.answerTimeout.wholeMilliseconds
            _ = rd_kafka_AdminOptions_set_request_timeout(settings, timeout, nil, 0)
            _ = rd_kafka_AdminOptions_set_operation_timeout(settings, timeout, nil, 0)
            let queue = rd_kafka_queue_new(client.pointer)
            defer { rd_kafka_queue_destroy(queue) }
            var topics: [OpaquePointer?] = [wanted]
            rd_kafka_CreateTopics(client.pointer, &topics, 1, settings, queue)
            guard let event = rd_kafka_queue_poll(queue, timeout * 2) else {
                throw KafkaFailure.error(RD_KAFKA_RESP_ERR__TIMED_OUT, doing: "make the topic \(topic)")
            }
            defer { rd_kafka_event_destroy(event) }
            guard rd_kafka_event_error(event) == RD_KAFKA_RESP_ERR_NO_ERROR else {
                return rd_kafka_event_error_string(event).map { String(cString: $0) } ?? "unknown"
            }
            var count = 0
            guard let results = rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &count),
                count == 1, let result = results[0]
            else { return "no answer" }
            let code = rd_kafka_topic_result_error(result)
            guard code != RD_KAFKA_RESP_ERR_NO_ERROR, code != RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS else { return nil }
            return rd_kafka_topic_result_error_string(result).map { String(cString: $0) } ?? KafkaFailure.text(code)
        }

        /// Entries that are not completed: from the group's offset, or where this process stands, to each partition's end.
        /// - parameter positions: where this process stands in its own partitions, asked for once the ends are known.
        func waiting(positions: () -> [Int32: (lowestUncompleted: Int64, completedAbove: Int)]) throws(StoreError)
            -> Int
        {
            let deadline = ContinuousClock.now + options.answerTimeout
            let remaining = { max(.milliseconds(1), deadline - ContinuousClock.now) }
            let standing = try standing(timeout: remaining())
            guard standing.code == RD_KAFKA_RESP_ERR_NO_ERROR else {
                throw KafkaFailure.error(standing.code, doing: "use the topic \(topic)")
            }
            let committed = try committedOffsets(standing.partitions, timeout: remaining())
            var bounds: [Int32: (low: Int64, high: Int64)] = [:]
            for partition in standing.partitions {
                var (low, high): (Int64, Int64) = (0, 0)
                let code = rd_kafka_query_watermark_offsets(
                    client.pointer, topic, partition, &low, &high, remaining().wholeMilliseconds)
                guard code == RD_KAFKA_RESP_ERR_NO_ERROR else {
                    throw KafkaFailure.error(code, doing: "ask for the ends of the topic \(topic)")
                }
                bounds[partition] = (low, high)
            }
            let own = positions()
            return bounds.reduce(0) { sum, partition in
                let (low, high) = partition.value
                let position = own[partition.key]
                let begin = position?.lowestUncompleted ?? committed[partition.key] ?? low
                return sum + max(0, Int(high - max(begin, low)) - (position?.completedAbove ?? 0))
            }
        }

        /// The group's offsets; partitions without one are left out.
        private func committedOffsets(_ partitions: [Int32], timeout: Duration) throws(StoreError) -> [Int32: Int64] {
            let list = rd_kafka_topic_partition_list_new(Int32(partitions.count))
            defer { rd_kafka_topic_partition_list_destroy(list) }
            for partition in partitions { rd_kafka_topic_partition_list_add(list, topic, partition) }
            let code = rd_kafka_committed(client.pointer, list, timeout.wholeMilliseconds)
            guard code == RD_KAFKA_RESP_ERR_NO_ERROR, let list else {
                throw KafkaFailure.error(code, doing: "ask for the group's offsets")
            }
            var offsets: [Int32: Int64] = [:]
            for index in 0..<Int(list.pointee.cnt) where list.pointee.elems[index].offset >= 0 {
                offsets[list.pointee.elems[index].partition] = list.pointee.elems[index].offset
            }
            return offsets
        }
    }
#endif
