#if SQS
    import Martlet

    extension SQSBroker {
        /// Each notice goes to its priority's queue, with the whole seconds until it is due as its delay. A notice that is due
        /// later than ``delayMax`` comes after that.
        package func publish(_ notices: [JobNotice], now: Timestamp) async throws(StoreError) {
            try makeSureOfOpen()
            let time = options.time
            let start = time.monotonicNow()
            let result = await batches(
                of: notices, on: { JobQueue($0.priority) }, action: "SendMessageBatch",
                persistence: Persistence(options)
            ) { notice in
                // What was tried again for some seconds is nearer to its time.
                let delay = notice.dueAt - (now + (time.monotonicNow() - start))
                return [
                    "MessageBody": .string(String(decoding: notice.encoded(), as: UTF8.self)),
                    "DelaySeconds": .integer(max(.zero, min(delay, JobQueueRules.delayMax)).components.seconds),
                ]
            }
            if let failure = result.failure { throw failure.storeError(doing: "SendMessageBatch") }
        }

        /// Bounded by time: SQS drops what is two weeks old.
        package func publishDeadLetters(_ letters: [DeadLetterNotice]) async throws(StoreError) {
            try makeSureOfOpen()
            let result = await batches(
                of: letters, on: { _ in .deadLetters }, action: "SendMessageBatch", persistence: Persistence(options)
            ) { letter in
                ["MessageBody": .string(String(decoding: letter.encoded(), as: UTF8.self))]
            }
            if let failure = result.failure { throw failure.storeError(doing: "SendMessageBatch") }
        }

        /// A delivery that was not acknowledged within its time, or was received by somebody else, is passed over without
        /// asking: SQS would delete what has become another's.
        package func acknowledge(_ deliveries: [DeliveredJob]) async throws(StoreError) {
            try makeSureOfOpen()
            let now = options.time.monotonicNow()
            let owned = state.withLock { $0.desk.release(deliveries, now: now) }
            let result = await batches(
                of: owned, on: \.queue, action: "DeleteMessageBatch", persistence: Persistence(options)
            ) { delivery in
                ["ReceiptHandle": .string(delivery.handle)]
            }
            guard let failure = result.failure else { return }
            state.withLock { $0.desk.restore(result.undone) }
            throw failure.storeError(doing: "DeleteMessageBatch")
        }
    }
#endif
