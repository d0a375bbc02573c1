#if PostgreSQL
    import Martlet

    extension PostgreSQLStore {
        package func accept(_ batch: [AcceptanceRequest], now: Timestamp) async throws(StoreError) -> [AcceptanceResult]
        {
            guard !batch.isEmpty else { return [] }
            let missing = partitions.missing(Set(batch.map { Partitions.week(of: $0.message.id) }))
            if !missing.isEmpty {
                let partitions = partitions
                try await withWriter { session in try partitions.make(missing, session) }
            }
            // JSON is written here, by the caller, not on the connection's thread.
            let prepared = batch.map { PreparedMessage($0, now: now) }
            // With an outbox, its entries tell.
            let wakeUps = dispatchesHere || options.writesOutbox ? [] : Self.wakeUps(prepared, now: now)
            let outcomes = try await write { transaction in
                try transaction.keepChannels()
                let outcomes = try transaction.accept(prepared, now: now)
                try transaction.tell(wakeUps)
                return outcomes
            }
            var results: [AcceptanceResult] = []
            results.reserveCapacity(outcomes.count)
            for outcome in outcomes { results.append(try outcome.result()) }
            return results
        }

        /// Whom the messages that are due at once wake. With very many channels, the next look finds the others.
        private static func wakeUps(_ batch: [PreparedMessage], now: Timestamp) -> [WakeUp] {
            let due = batch.filter { ($0.message.job?.dueAt).map { $0 <= now } ?? false }
            return Set(due.map(\.message.channelID)).prefix(100).map { .due($0) }
        }
    }

    /// A message to accept, with its JSON written.
    private struct PreparedMessage: Sendable {
        /// As the caller gave it, with its job.
        let message: Message
        let idempotency: IdempotencyClaim?
        let stored: StoredMessage

        init(_ request: AcceptanceRequest, now: Timestamp) {
            let job = Job(dueAt: max(now, request.message.sendAt ?? now), token: 0, since: now)
            var message = request.message
            message.job = job.snapshot
            self.message = message
            idempotency = request.idempotency
            stored = StoredMessage(accepting: request.message, job: job)
        }

        var key: IdempotencyKey? {
            idempotency.map { IdempotencyKey(tenant: message.tenantID, key: $0.key) }
        }
    }

    private struct IdempotencyKey: Hashable {
        var tenant: TenantID
        var key: String
    }

    private enum AcceptanceOutcome: Sendable {
        case accepted(Message)
        case failed(StoredMessage)
        case replayed(StoredMessage)
        case replayedNow(Message)
        case conflict(MessageID)

        func result() throws(StoreError) -> AcceptanceResult {
            switch self {
            case .accepted(let message): .accepted(message)
            case .failed(let stored): .accepted(try stored.decoded())
            case .replayed(let stored): .replayed(try stored.decoded())
            case .replayedNow(let message): .replayed(message)
            case .conflict(let id): .conflict(id)
            }
        }
    }

    extension WriteTransaction {
        /// Who has a key.
        private struct Holder {
            var hash: [UInt8]
            var message: MessageID
        }

        private static let claimKeys = """
            INSERT INTO idempotency_keys AS k (tenant_id, key, content_hash, message, expires_at)
            SELECT tenant_id, key, content_hash, message, expires_at
            FROM unnest($1::text[], $2::text[], $3::bytea[], $4::text[], $5::bigint[])
                AS u (tenant_id, key, content_hash, message, expires_at)
            ORDER BY tenant_id COLLATE "C", key COLLATE "C"
            ON CONFLICT (tenant_id, key) DO UPDATE
            SET content_hash = excluded.content_hash, message = excluded.message, expires_at = excluded.expires_at
            WHERE k.expires_at <= $6::bigint
            """
        private static let keyHolders = """
            SELECT k.tenant_id, k.key, k.content_hash, k.message
            FROM unnest($1::text[], $2::text[]) AS u (tenant_id, key)
            JOIN idempotency_keys k ON k.tenant_id = u.tenant_id COLLATE "C" AND k.key = u.key COLLATE "C"
            """
        private static let retakeKeys = """
            UPDATE idempotency_keys k SET message = u.message, expires_at = u.expires_at
            FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[]) AS u (tenant_id, key, message, expires_at)
            WHERE k.tenant_id = u.tenant_id COLLATE "C" AND k.key = u.key COLLATE "C"
            """

        fileprivate func accept(_ batch: [PreparedMessage], now: Timestamp) throws -> [AcceptanceOutcome] {
            var firstOfKey: [IdempotencyKey: Int] = [:]
            for (index, prepared) in batch.enumerated() {
                if let key = prepared.key, firstOfKey[key] == nil { firstOfKey[key] = index }
            }
            let holders = try claimKeys(firstOfKey.values.sorted().map { batch[$0] }, now: now)
            let seen = try readMessages(Set(holders.values.map(\.message)).subtracting(batch.map(\.message.id)))
            // The message of such a key has been removed from the log before the key ran out: the key is free.
            let retaken = firstOfKey.values.sorted().filter { index in
                guard let holder = batch[index].key.flatMap({ holders[$0] }) else { return false }
                return holder.message != batch[index].message.id && holder.hash == batch[index].idempotency?.contentHash
                    && seen[holder.message] == nil
            }
            try retake(retaken.map { batch[$0] })
            let free = Set(retaken)
            var outcomes: [AcceptanceOutcome] = []
            var new: [StoredMessage] = []
            for (index, prepared) in batch.enumerated() {
                guard let key = prepared.key, let first = firstOfKey[key], let holder = holders[key] else {
                    new.append(prepared.stored)
                    outcomes.append(.accepted(prepared.message))
                    continue
                }
                // Whose the key is: the first's of this batch, unless somebody had it before.
                let isOurs = holder.message == batch[first].message.id || free.contains(first)
                if index == first, isOurs {
                    new.append(prepared.stored)
                    outcomes.append(.accepted(prepared.message))
                } else if holder.hash != prepared.idempotency?.contentHash {
                    outcomes.append(.conflict(isOurs ? batch[first].message.id : holder.message))
                } else if isOurs {
                    outcomes.append(.replayedNow(batch[first].message))
                } else if let stored = seen[holder.message] {
                    outcomes.append(.replayed(stored))
                } else {
                    outcomes.append(.conflict(holder.message))
                }
            }
            let failed = try insert(new, now: now)
            if failed.isEmpty { return outcomes }
            return outcomes.map { outcome in
                if case .accepted(let message) = outcome, let stored = failed[message.id] {
                    .failed(stored)
                } else {
                    outcome
                }
            }
        }

        /// Takes keys for messages, one atomic insert for all, and says who has each now.
        private func claimKeys(_ claims: [PreparedMessage], now: Timestamp) throws -> [IdempotencyKey: Holder] {
            guard !claims.isEmpty else { return [:] }
            let tenants = SQLArray(claims) { $0.message.tenantID }
            let keys = SQLArray(claims) { $0.idempotency?.key }
            try session.send(
                Self.claimKeys,
                [
                    tenants, keys, SQLArray(claims) { Blob($0.idempotency?.contentHash ?? []) },
                    SQLArray(claims) { $0.message.id }, SQLArray(claims) { $0.idempotency?.expiresAt }, now,
                ])
            let rows = try session.query(Self.keyHolders, [tenants, keys]).map { row in
                (
                    key: IdempotencyKey(tenant: row.next(), key: row.next()),
                    holder: Holder(hash: row.next(Blob.self).bytes, message: row.next())
                )
            }
            return Dictionary(rows.map { ($0.key, $0.holder) }, uniquingKeysWith: { first, _ in first })
        }

        private func retake(_ claims: [PreparedMessage]) throws {
            guard !claims.isEmpty else { return }
            try session.send(
                Self.retakeKeys,
                [
                    SQLArray(claims) { $0.message.tenantID }, SQLArray(claims) { $0.idempotency?.key },
                    SQLArray(claims) { $0.message.id }, SQLArray(claims) { $0.idempotency?.expiresAt },
                ])
        }

        /// Messages as they are, without a lock.
        private func readMessages(_ ids: Set<MessageID>) throws -> [MessageID: StoredMessage] {
            guard !ids.isEmpty else { return [:] }
            let rows = try session.query(
                """
                SELECT \(StoredMessage.columns) FROM communications_log l LEFT JOIN jobs j ON j.message = l.id
                WHERE l.id = ANY($1::text[])
                """, [SQLArray(ids)]
            ).map { try StoredMessage(&$0) }
            return Dictionary(rows.map { ($0.message.id, $0) }, uniquingKeysWith: { first, _ in first })
        }
    }
#endif
