#if Kafka
    import CKafka
    import Martlet
    import Synchronization

    /// Waits for the delivery reports of one batch: for all of them, or for the first that failed.
    final class AppendTicket: Sendable {
        private struct State {
            var remaining: Int
            var continuation: CheckedContinuation<Result<Void, StoreError>, Never>?
        }

        private let state: Mutex<State>
        private let topic: String

        init(count: Int, topic: String, continuation: CheckedContinuation<Result<Void, StoreError>, Never>) {
            state = Mutex(State(remaining: count, continuation: continuation))
            self.topic = topic
        }

        /// One record is stored, or it is known that it is not, or that it may not be.
        func report(_ code: rd_kafka_resp_err_t) {
            let continuation = state.withLock { state in
                state.remaining -= 1
                guard code != RD_KAFKA_RESP_ERR_NO_ERROR || state.remaining == 0 else {
                    return nil as CheckedContinuation<Result<Void, StoreError>, Never>?
                }
                defer { state.continuation = nil }
                return state.continuation
            }
            guard let continuation else { return }
            continuation.resume(
                returning: code == RD_KAFKA_RESP_ERR_NO_ERROR
                    ? .success(()) : .failure(KafkaFailure.error(code, doing: "append to the topic \(topic)")))
        }
    }
#endif
