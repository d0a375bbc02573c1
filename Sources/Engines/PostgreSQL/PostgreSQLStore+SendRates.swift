#if PostgreSQL
    import Martlet

    /// By the second. The table is not logged: after a crash of the server a minute is shown as too quiet, and nothing else
    /// hangs on it.
    extension PostgreSQLStore: SendRateStore {
        package func addSends(_ counts: [ChannelID: Int], at now: Timestamp) async throws(StoreError) {
            let rows = counts.sorted { $0.key < $1.key }
            let second = Self.second(of: now)
            try await write { transaction in
                try transaction.session.send(
                    Statements.addSends, [second, SQLArray(rows) { $0.key }, SQLArray(rows) { $0.value }])
                try transaction.session.send(
                    Statements.forgetSends, [second - Int(Self.memory.seconds) - 5])
            }
        }

        package func sends(
            of channels: [ChannelID], after: Timestamp
        ) async throws(StoreError) -> [ChannelID: Int] {
            let second = Self.second(of: after)
            return try await read { session in
                let rows = try session.query(Statements.sends, [second, SQLArray(channels)]).map { row in
                    (channel: row.next(ChannelID.self), count: row.next(Int.self))
                }
                return Dictionary(rows.map { ($0.channel, $0.count) }, uniquingKeysWith: +)
            }
        }

        private static func second(of moment: Timestamp) -> Int { Int(moment.milliseconds / 1000) }
    }
#endif
