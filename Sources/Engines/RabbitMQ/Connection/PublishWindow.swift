#if RabbitMQ
    /// A message on its way to the broker.
    struct OutgoingMessage: Sendable {
        var exchange: String
        var routingKey: String
        /// What operators see as the message's id.
        var id: String
        var type: String
        var body: [UInt8]
    }

    /// What became of a message that was published.
    enum PublishFate: Sendable, Equatable {
        case confirmed
        /// The broker said that it does not have it.
        case refused
        /// There was no queue for it.
        case unroutable
        /// The broker has not said anything yet.
        case open
    }

    /// Which messages of one channel wait for their confirm. Decides, performs nothing.
    ///
    /// The broker numbers what is published on a channel from 1 and confirms by number, several at once if it likes; a
    /// message without a queue comes back first and is confirmed then (<https://www.rabbitmq.com/docs/confirms>).
    struct PublishWindow {
        private struct Waiting {
            var index: Int
            var id: String
            var isReturned = false
        }

        private var lastTag: UInt64 = 0
        /// The lowest number that may still wait.
        private var firstTag: UInt64 = 1
        private var waiting: [UInt64: Waiting] = [:]

        /// How many messages wait.
        var count: Int { waiting.count }

        /// The next message was sent.
        /// - parameter index: what it is told by later.
        mutating func sent(_ index: Int, id: String) {
            lastTag += 1
            waiting[lastTag] = Waiting(index: index, id: id)
        }

        /// A message came back for want of a queue. Several on their way may have its id; none of them has a queue then.
        mutating func returned(id: String) {
            for (tag, one) in waiting where one.id == id { waiting[tag]?.isReturned = true }
        }

        /// - returns: what became of the messages that the broker spoke of.
        mutating func settled(_ tag: UInt64, multiple: Bool, isConfirmed: Bool) -> [(index: Int, fate: PublishFate)] {
            // A number that was never sent would be a long way to count.
            let tag = min(tag, lastTag)
            let tags = multiple ? min(firstTag, tag)...tag : tag...tag
            if multiple { firstTag = max(firstTag, tag + 1) }
            return tags.compactMap { tag in
                guard let one = waiting.removeValue(forKey: tag) else { return nil }
                return (one.index, !isConfirmed ? .refused : one.isReturned ? .unroutable : .confirmed)
            }
        }

        /// Nobody asks any more for what waits; the broker may still confirm it.
        mutating func forget() { waiting.removeAll() }
    }
#endif
