#if Kafka
    /// A record's place as the one number the port knows it by: the partition in the 15 bits below the sign, the offset in the
    /// 48 bits below that. So many offsets last a partition for 89 years at a hundred thousand records a second.
    package struct RecordSequence: Sendable, Hashable {
        package static let partitionsMax = 1 << 15
        private static let offsetBits: Int64 = 48
        private static let offsetMask: Int64 = (1 << offsetBits) - 1

        package let partition: Int32
        package let offset: Int64

        /// Nil when one of them does not fit.
        package init?(partition: Int32, offset: Int64) {
            guard (0..<Int32(Self.partitionsMax)).contains(partition), (0...Self.offsetMask).contains(offset) else {
                return nil
            }
            self.partition = partition
            self.offset = offset
        }

        /// Nil for a negative number, which is none of ours.
        package init?(packed: Int64) {
            guard packed >= 0 else { return nil }
            partition = Int32(packed >> Self.offsetBits)
            offset = packed & Self.offsetMask
        }

        package var packed: Int64 { Int64(partition) << Self.offsetBits | offset }
    }
#endif
