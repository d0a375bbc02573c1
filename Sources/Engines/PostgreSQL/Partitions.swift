#if PostgreSQL
    import Martlet
    import Synchronization

    /// The partitions of the log and its events: one a week, by the time at which a message's id was made.
    ///
    /// A partition is made when the first message comes for it, and ahead of that by maintenance, so that at the turn of a
    /// week nobody waits.
    final class Partitions: Sendable {
        /// Weeks since 1970-01-01, a Thursday.
        typealias Week = Int64

        private static let weekMilliseconds: Int64 = 7 * 86_400_000
        /// How many weeks ahead of the present one there is a partition for.
        private static let weeksAhead: Int64 = 2

        private let known = Mutex<Set<Week>>([])

        /// The week in which an id was made.
        static func week(of id: MessageID) -> Week { week(of: id.madeAt) }

        static func week(of moment: Timestamp) -> Week { max(0, moment.milliseconds) / weekMilliseconds }

        /// When a week is over.
        static func end(of week: Week) -> Timestamp { Timestamp(milliseconds: (week + 1) * weekMilliseconds) }

        /// The week a partition is for, by its table's name; nil when it is not one of ours.
        static func week(ofTable name: String) -> Week? {
            guard name.hasPrefix(logPrefix), name.utf8.count == logPrefix.utf8.count + 8 else { return nil }
            let date = name.dropFirst(logPrefix.count)
            let text = "\(date.prefix(4))-\(date.dropFirst(4).prefix(2))-\(date.suffix(2))T00:00:00Z"
            return Timestamp(rfc3339: text).map(week(of:))
        }

        private static let logPrefix = "communications_log_"

        /// The name of a week's part of a table, such as `events_20261119`.
        static func table(_ parent: String, _ week: Week) -> String {
            let day = Timestamp(milliseconds: week * weekMilliseconds).description.prefix(10)
            return "\(parent)_\(day.filter { $0 != "-" })"
        }

        /// The least text an id of that week can have.
        static func lowerBound(_ week: Week) -> String {
            var text = Array(MessageKind.prefix.utf8)
            let milliseconds = UInt64(week * weekMilliseconds)
            for index in 0..<10 { text.append(digits[Int(milliseconds >> (5 * UInt64(9 - index)) & 31)]) }
            return String(decoding: text, as: UTF8.self)
        }

        private static let digits: [UInt8] = Array("0123456789abcdefghjkmnpqrstvwxyz".utf8)

        /// The weeks that need a partition now, or will before long.
        static func weeks(around now: Timestamp) -> [Week] {
            let present = week(of: now)
            return Array(present...present + weeksAhead)
        }

        /// Those of the weeks that are not known to have their partitions.
        func missing(_ weeks: some Sequence<Week>) -> [Week] {
            known.withLock { known in Set(weeks).subtracting(known).sorted() }
        }

        /// Makes what is missing, in a transaction of its own. Other processes may be doing the same.
        func make(_ weeks: [Week], _ session: Session) throws {
            try session.transaction {
                try session.send("SELECT pg_advisory_xact_lock(\(AdvisoryLock.key), \(AdvisoryLock.schema.rawValue))")
                for week in weeks {
                    for parent in ["communications_log", "events"] {
                        let name = Self.table(parent, week)
                        let isThere =
                            try session.query(
                                "SELECT 1 FROM pg_inherits WHERE inhparent = '\(parent)'::regclass AND inhrelid = to_regclass($1)",
                                [name]
                            ).count > 0
                        if isThere { continue }
                        // Made beside its parent and then attached: that stops nobody who reads or writes, which making it
                        // in place would.
                        try session.query("CREATE TABLE \(name) (LIKE \(parent) INCLUDING ALL)")
                        try session.query(
                            """
                            ALTER TABLE \(parent) ATTACH PARTITION \(name)
                            FOR VALUES FROM ('\(Self.lowerBound(week))') TO ('\(Self.lowerBound(week + 1))')
                            """)
                    }
                }
            }
            known.withLock { $0.formUnion(weeks) }
        }

        /// A week's partitions are gone.
        func forget(_ week: Week) { known.withLock { _ = $0.remove(week) } }
    }
#endif
