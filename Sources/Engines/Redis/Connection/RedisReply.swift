#if Redis
    import CRedis

    /// What the server answered (RESP2: https://redis.io/docs/latest/develop/reference/protocol-spec/).
    enum RedisReply: Sendable, Equatable {
        case none
        case integer(Int64)
        case bytes([UInt8])
        case list([RedisReply])
        /// A whole sentence that begins with a code in capitals.
        case error(String)

        /// Copies what hiredis has read.
        init(_ reply: redisReply) {
            switch reply.type {
            case REDIS_REPLY_INTEGER: self = .integer(reply.integer)
            case REDIS_REPLY_STRING, REDIS_REPLY_STATUS:
                self = .bytes(Array(UnsafeRawBufferPointer(start: reply.str, count: reply.len)))
            case REDIS_REPLY_ERROR:
                self = .error(
                    String(decoding: UnsafeRawBufferPointer(start: reply.str, count: reply.len), as: UTF8.self))
            case REDIS_REPLY_ARRAY:
                self = .list(
                    UnsafeBufferPointer(start: reply.element, count: reply.elements).map { element in
                        element.map { RedisReply($0.pointee) } ?? .none
                    })
            default: self = .none
            }
        }

        var bytes: [UInt8]? {
            if case .bytes(let bytes) = self { bytes } else { nil }
        }

        var text: String? { bytes.map { String(decoding: $0, as: UTF8.self) } }

        /// An integer, or a text that is one.
        var number: Int64? {
            if case .integer(let number) = self { number } else { text.flatMap { Int64($0) } }
        }

        var list: [RedisReply]? {
            if case .list(let list) = self { list } else { nil }
        }
    }
#endif
