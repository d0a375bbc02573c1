#if RabbitMQ
    import DequeModule

    /// The numbers of the deliveries on one channel that are the receiver's, oldest first.
    ///
    /// Says how to acknowledge with few frames: what is at the front goes with one, the rest one by one, so that a delivery
    /// that takes long holds up no other.
    struct Unacknowledged {
        private var tags: Deque<UInt64> = []
        /// Those of them that are done, behind one that is not.
        private var done: Set<UInt64> = []

        var isEmpty: Bool { tags.count == done.count }

        /// The next delivery; numbers rise.
        mutating func delivered(_ tag: UInt64) { tags.append(tag) }

        /// Deliveries are to be acknowledged.
        /// - returns: up to which number to do it at once, and which single ones after that.
        mutating func acknowledge(_ acknowledged: [UInt64]) -> (upTo: UInt64?, single: [UInt64]) {
            let fresh = Set(acknowledged)
            done.formUnion(fresh)
            // RabbitMQ closes the channel on a number that it does not wait for, also when that stands for those before it.
            let last = popDone().last { fresh.contains($0) }
            return (last, acknowledged.filter { $0 > last ?? 0 })
        }

        /// A delivery was given back; the broker does not count it to this channel any more.
        mutating func rejected(_ tag: UInt64) {
            done.insert(tag)
            _ = popDone()
        }

        /// - returns: those that are done at the front.
        private mutating func popDone() -> [UInt64] {
            var popped: [UInt64] = []
            while let tag = tags.first, done.remove(tag) != nil {
                popped.append(tag)
                tags.removeFirst()
            }
            return popped
        }
    }
#endif
