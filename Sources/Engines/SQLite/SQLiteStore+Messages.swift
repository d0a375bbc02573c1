import GRDB
import Martlet

extension SQLiteStore: MessageStore {
    package func message(_ id: MessageID, tenant: TenantID?) async throws(StoreError) -> Message? {
        let stored = try await read { database in
            try database.first(StoredMessage.byID, [id], StoredMessage.init)
        }
        guard let stored, tenant == nil || tenant == stored.message.tenantID else { return nil }
        return try stored.decoded()
    }

    package func messages(_ query: MessageQuery) async throws(StoreError) -> Page<Message> {
        guard query.limit > 0 else { return Page(elements: [], hasMore: false) }
        var stored = try await read { database in try MessageListing(query).rows(database) }
        let hasMore = stored.count > query.limit
        if hasMore { stored.removeLast() }
        return Page(elements: try stored.decoded(), hasMore: hasMore)
    }

    package func timeline(_ id: MessageID) async throws(StoreError) -> [TimelineEvent] {
        let entries = try await read { database in
            try database.all(Statements.timeline, [id]) { row in
                var columns = ColumnReader(row)
                let number: Int64 = columns.next()
                let kind = try columns.next(TimelineEvent.Kind.self)
                let at: Timestamp = columns.next()
                var event = TimelineEvent(
                    id: EventID(message: row[9], number: number, at: at), messageID: id, kind: kind, at: at)
                event.attempt = columns.nextIfAny()
                event.outcome = columns.nextIfAny()
                event.httpStatus = columns.nextIfAny()
                event.durationMilliseconds = columns.nextIfAny()
                event.error = columns.nextIfAny()
                event.detail = columns.nextIfAny()
                return event
            }
        }
        return entries.inTimeOrder()
    }

    package func cancel(_ id: MessageID, tenant: TenantID, now: Timestamp) async throws(StoreError) -> CancelResult {
        let (stored, isCancelled): (StoredMessage?, Bool) = try await write { transaction in
            guard let stored = try transaction.load(id), stored.message.tenantID == tenant else { return (nil, false) }
            guard stored.message.status == .queued, stored.job?.state == .waiting else { return (stored, false) }
            var change = MessageChange(stored.record, now: now)
            change.fail(ErrorReason(.cancelled))
            return (try transaction.save(&change, of: stored), true)
        }
        guard let stored else { return .notFound }
        return isCancelled ? .cancelled(try stored.decoded()) : .tooLate(stored.message.status)
    }

    /// A message whose content was redacted can only be replayed with another payload; without one it is not found.
    package func replay(_ id: MessageID, tenant: TenantID, correction: Correction, now: Timestamp)
        async throws(StoreError) -> ReplayResult
    {
        let stored: StoredMessage? = try await write { transaction in
            guard let stored = try transaction.load(id), stored.message.tenantID == tenant else { return nil }
            return try transaction.replay(stored, correction, now: now)
        }
        guard let stored else { return .notFound }
        return .replayed(try stored.decoded())
    }

    package func discard(_ id: MessageID, tenant: TenantID, now: Timestamp) async throws(StoreError) -> Bool {
        try await write { transaction in
            guard let stored = try transaction.load(id), stored.message.tenantID == tenant,
                stored.message.deadLetteredAt != nil
            else { return false }
            var change = MessageChange(stored.record, now: now)
            change.discard()
            try transaction.save(&change, of: stored)
            return true
        }
    }
}

extension WriteTransaction {
    /// Queues a dead letter again. Nil, and nothing changes, when it is none, or when nothing is left to send.
    func replay(_ stored: StoredMessage, _ correction: Correction, now: Timestamp) throws -> StoredMessage? {
        let wasUnknown = try database.first(Statements.unknownAttempt, [stored.sequence]) { _ in true } ?? false
        var change = MessageChange(stored.record, now: now)
        guard change.replay(correction, isErased: stored.json.isErased, wasUnknown: wasUnknown) else { return nil }
        return try save(&change, of: stored)
    }
}

extension EventID {
    /// The id of a message's n-th timeline entry, made of what the row holds anyway: the message's row and the entry's number.
    init(message: Int64, number: Int64, at: Timestamp) {
        self.init(
            milliseconds: UInt64(max(0, at.milliseconds)),
            number: UInt128(UInt64(message)) << 24 | UInt128(UInt64(number) & 0xFF_FFFF))
    }
}
