#if Kafka
    import CKafka
    import Martlet

    /// What librdkafka's error codes mean in the port's terms.
    enum KafkaFailure {
        static let reachability = "see that the brokers of inbox.url run and can be reached from here"

        /// The library's name of a code, such as `Local: Message timed out`.
        static func text(_ code: rd_kafka_resp_err_t) -> String { String(cString: rd_kafka_err2str(code)) }

        /// - parameter doing: what failed, such as `append to the topic martlet-inbox`.
        static func error(_ code: rd_kafka_resp_err_t, doing: String) -> StoreError {
            let message = "Kafka: cannot \(doing): \(text(code))"
            switch code {
            case RD_KAFKA_RESP_ERR__QUEUE_FULL:
                return StoreError(.overloaded, "Kafka: too much is on its way to the brokers")
            case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE:
                return StoreError(
                    .unusable, message, remedy: "let the topic take larger records (max.message.bytes)")
            case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED,
                RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
                return StoreError(
                    .unusable, message,
                    remedy: "let the user of inbox.url read, write and describe the topic, and read the consumer group")
            case RD_KAFKA_RESP_ERR__AUTHENTICATION, RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
                return StoreError(.unavailable, message, remedy: "check the user, the password and sasl= in inbox.url")
            case RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS, RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND:
                return StoreError(
                    .unavailable, message, remedy: "bring back brokers, or see to the topic's min.insync.replicas")
            case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC,
                RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
                return StoreError(.unavailable, message, remedy: "make the topic again, or restart so that it is made")
            default:
                return StoreError(.unavailable, message, remedy: reachability)
            }
        }

        /// Whether it needs somebody's doing, so that waiting is of no use.
        static func needsOperator(_ code: rd_kafka_resp_err_t) -> Bool {
            [
                RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED,
                RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC,
                RD_KAFKA_RESP_ERR__AUTHENTICATION, RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED,
                RD_KAFKA_RESP_ERR__FATAL,
            ].contains(code)
        }
    }

    extension Duration {
        /// For librdkafka's time-outs: never negative, never more than a day.
        var wholeMilliseconds: Int32 {
            let (seconds, attoseconds) = components
            guard seconds >= 0, attoseconds >= 0 else { return 0 }
            return Int32(min(seconds, 86_400) * 1000 + attoseconds / 1_000_000_000_000_000)
        }
    }
#endif
