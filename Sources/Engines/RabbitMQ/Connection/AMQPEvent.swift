#if RabbitMQ
    import CRabbitMQ

    /// What a broker sends of its own accord.
    enum AMQPEvent: Sendable {
        /// Messages up to this number, or this one, are the broker's now.
        case confirmed(tag: UInt64, multiple: Bool)
        /// They are not.
        case refused(tag: UInt64, multiple: Bool)
        /// No queue took the message; it is confirmed after this.
        case returned(messageID: String, reason: String)
        case delivered(AMQPDelivery)
        /// A consumer gets no more: its queue was deleted, or lost its leader.
        case cancelled(consumer: String)
        /// The broker takes no messages, for want of memory or disk.
        case blocked(reason: String)
        case unblocked
    }

    /// A message as a consumer gets it.
    struct AMQPDelivery: Sendable {
        var tag: UInt64
        var consumer: String
        /// Cut off after ``AMQPContent/bytesMax``.
        var body: [UInt8] = []
    }

    /// A message that arrives in frames: its method, a header, and its body in pieces.
    struct AMQPContent {
        enum Kind {
            case delivery(AMQPDelivery)
            case returned(reason: String)
        }

        /// More of a body than this is not kept: no notice is that long.
        static let bytesMax = 4096

        private let kind: Kind
        private var bodyBytesLeft: UInt64?
        private var messageID = ""
        private var body: [UInt8] = []

        init(_ kind: Kind) { self.kind = kind }

        /// Takes the next frame in; gives the event when it was the last.
        mutating func add(_ frame: amqp_frame_t) -> AMQPEvent? {
            if Int32(frame.frame_type) == AMQP_FRAME_HEADER {
                bodyBytesLeft = frame.payload.properties.body_size
                if let decoded = frame.payload.properties.decoded {
                    let properties = decoded.assumingMemoryBound(to: amqp_basic_properties_t.self).pointee
                    if properties._flags & martlet_amqp_message_id_flag != 0 { messageID = properties.message_id.text }
                }
            } else if Int32(frame.frame_type) == AMQP_FRAME_BODY {
                let fragment = frame.payload.body_fragment
                let room = max(0, Self.bytesMax - body.count)
                body += UnsafeRawBufferPointer(start: fragment.bytes, count: min(fragment.len, room))
                bodyBytesLeft = bodyBytesLeft.map { $0 - min($0, UInt64(fragment.len)) }
            }
            guard bodyBytesLeft == 0 else { return nil }
            switch kind {
            case .delivery(var delivery):
                delivery.body = body
                return .delivered(delivery)
            case .returned(let reason):
                return .returned(messageID: messageID, reason: reason)
            }
        }
    }
#endif
