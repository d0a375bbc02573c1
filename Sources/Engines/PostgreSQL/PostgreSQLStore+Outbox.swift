#if PostgreSQL
    import Martlet

    extension PostgreSQLStore: OutboxStore {
        package func outbox(dueBefore: Timestamp, now: Timestamp, limit: Int) async throws(StoreError) -> [OutboxEntry]
        {
            guard limit > 0 else { return [] }
            return try await read { session in
                try session.query(Statements.outbox, [dueBefore, limit, now]).map { row in
                    let number = row.next(Int64.self)
                    let kind = OutboxKind(rawValue: row.next(Int.self))
                    let (message, channel) = (row.next(MessageID.self), row.next(ChannelID.self))
                    let priority = Priority(rawValue: row.next(Int.self)) ?? .normal
                    let dueAt = row.next(Timestamp.self)
                    let reason = row.nextIfAny(String.self)
                    let stillWaits = row.next(Bool.self)
                    let content: OutboxEntry.Content =
                        switch kind {
                        case .deadLetter:
                            .deadLetter(
                                DeadLetterNotice(message: message, channel: channel, reason: reason ?? "", at: dueAt))
                        case .job where stillWaits:
                            .job(JobNotice(message: message, channel: channel, priority: priority, dueAt: dueAt))
                        case .job, nil: .outdated
                        }
                    return OutboxEntry(number: number, content: content)
                }
            }
        }

        package func removeFromOutbox(_ numbers: [Int64]) async throws(StoreError) {
            guard !numbers.isEmpty else { return }
            try await write { transaction in
                try transaction.session.send("DELETE FROM outbox WHERE number = ANY($1::bigint[])", [SQLArray(numbers)])
            }
        }

        package func outboxDepth() async throws(StoreError) -> Int {
            // Asked by operators and tests; what waits is little, unless the broker has been away for long.
            try await read { session in
                try session.query("SELECT count(*) FROM (SELECT 1 FROM outbox LIMIT 100000) AS entries").first {
                    $0.next(Int.self)
                } ?? 0
            }
        }

        package func claim(
            _ requests: [ClaimRequest], among messages: [ChannelID: [MessageID]], worker: String, now: Timestamp,
            leaseUntil: Timestamp
        ) async throws(StoreError) -> [ClaimBatch] {
            try await claim(requests, only: messages, worker: worker, now: now, leaseUntil: leaseUntil)
        }
    }

    /// What an entry of the outbox tells of.
    enum OutboxKind: Int {
        case job = 0
        case deadLetter = 1
    }
#endif
