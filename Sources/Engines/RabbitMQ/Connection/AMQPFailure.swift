#if RabbitMQ
    import CRabbitMQ
    import Martlet

    /// Why a connection cannot be used any more. What is left to do with it is to close it.
    struct AMQPFailure: Error, Sendable {
        /// What the broker said, by the numbers of AMQP; nil when the connection itself failed.
        var code: Int?
        var message: String

        init(code: Int? = nil, _ message: String) {
            self.code = code
            self.message = message
        }

        init(status: Int32, during action: String) {
            self.init("\(action): \(String(cString: amqp_error_string2(status)))")
        }

        /// What a call did not get done.
        init(_ reply: amqp_rpc_reply_t, during action: String) {
            switch reply.reply_type {
            case AMQP_RESPONSE_SERVER_EXCEPTION: self = Self.closed(reply.reply)
            case AMQP_RESPONSE_LIBRARY_EXCEPTION: self.init(status: reply.library_error, during: action)
            default: self.init("\(action): the connection was closed")
            }
        }

        /// What the broker closed the channel or the connection with.
        static func closed(_ method: amqp_method_t) -> AMQPFailure {
            switch method.id {
            case martlet_amqp_channel_close:
                let close = method.decoded.assumingMemoryBound(to: amqp_channel_close_t.self).pointee
                return AMQPFailure(code: Int(close.reply_code), close.reply_text.text)
            case martlet_amqp_connection_close:
                let close = method.decoded.assumingMemoryBound(to: amqp_connection_close_t.self).pointee
                return AMQPFailure(code: Int(close.reply_code), close.reply_text.text)
            default:
                return AMQPFailure("the broker answered with the method \(method.id)")
            }
        }

        /// As the callers of the broker are told. What only an operator can put right is unusable.
        var storeError: StoreError {
            switch code {
            case Int(AMQP_PRECONDITION_FAILED):
                StoreError(
                    .unusable, "RabbitMQ: \(message)",
                    remedy:
                        "an exchange or queue of that name is there with other arguments: delete it when it is empty, "
                        + "and it is declared anew")
            case Int(AMQP_ACCESS_REFUSED):
                StoreError(
                    .unusable, "RabbitMQ: \(message)",
                    remedy:
                        "check user and password of queue.url, and that the user may configure, write and read what "
                        + "begins with the prefix")
            case Int(AMQP_NOT_ALLOWED):
                StoreError(
                    .unusable, "RabbitMQ: \(message)", remedy: "check the virtual host of queue.url and who may use it")
            case Int(AMQP_NOT_IMPLEMENTED):
                StoreError(.unusable, "RabbitMQ: \(message)", remedy: "use RabbitMQ 3.10 or later")
            default:
                StoreError(.unavailable, "RabbitMQ: \(message)")
            }
        }
    }

    extension amqp_bytes_t {
        /// The bytes as text, at most 300 of them.
        var text: String {
            guard let bytes, len > 0 else { return "" }
            return String(decoding: UnsafeRawBufferPointer(start: bytes, count: min(len, 300)), as: UTF8.self)
        }
    }
#endif
