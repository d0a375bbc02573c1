#if Kafka
    import CKafka

    /// One commit of offsets to the group's coordinator.
    struct OffsetCommit {
        /// What the coordinator has noted.
        var noted: [InboxLedger.Mark] = []
        /// Why something was not; no error when all of it was.
        var code = RD_KAFKA_RESP_ERR_NO_ERROR

        /// Nothing to commit.
        init() {}

        /// Blocks until the coordinator has answered.
        /// - parameter goesOn: asked ten times a second whether to wait on.
        init(_ marks: [InboxLedger.Mark], topic: String, client: ClientHandle, while goesOn: () -> Bool) {
            guard !marks.isEmpty else { return }
            let list = rd_kafka_topic_partition_list_new(Int32(marks.count))
            defer { rd_kafka_topic_partition_list_destroy(list) }
            for mark in marks {
                rd_kafka_topic_partition_list_add(list, topic, mark.partition)?.pointee.offset = mark.offset
            }
            // Its own queue, so that an answer nobody waits for any more goes with it.
            let queue = rd_kafka_queue_new(client.pointer)
            defer { rd_kafka_queue_destroy(queue) }
            code = rd_kafka_commit_queue(client.pointer, list, queue, nil, nil)
            guard code == RD_KAFKA_RESP_ERR_NO_ERROR else { return }
            while true {
                if let event = rd_kafka_queue_poll(queue, 100) {
                    defer { rd_kafka_event_destroy(event) }
                    guard rd_kafka_event_type(event) == RD_KAFKA_EVENT_OFFSET_COMMIT else { continue }
                    read(event)
                    return
                }
                guard goesOn() else {
                    code = RD_KAFKA_RESP_ERR__TIMED_OUT
                    return
                }
            }
        }

        private mutating func read(_ event: OpaquePointer) {
            code = rd_kafka_event_error(event)
            guard let list = rd_kafka_event_topic_partition_list(event) else { return }
            for index in 0..<Int(list.pointee.cnt) {
                let element = list.pointee.elems[index]
                if element.err != RD_KAFKA_RESP_ERR_NO_ERROR {
                    code = element.err
                } else if code == RD_KAFKA_RESP_ERR_NO_ERROR {
                    noted.append(InboxLedger.Mark(partition: element.partition, offset: element.offset))
                }
            }
        }
    }
#endif
