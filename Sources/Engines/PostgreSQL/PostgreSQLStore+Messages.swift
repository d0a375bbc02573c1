#if PostgreSQL
    import Martlet

    extension PostgreSQLStore: MessageStore {
        package func message(_ id: MessageID, tenant: TenantID?) async throws(StoreError) -> Message? {
            let stored = try await read { session in
                try session.query(StoredMessage.byID, [id]).first { try StoredMessage(&$0) }
            }
            guard let stored, tenant == nil || tenant == stored.message.tenantID else { return nil }
            return try stored.decoded()
        }

        package func messages(_ query: MessageQuery) async throws(StoreError) -> Page<Message> {
            guard query.limit > 0 else { return Page(elements: [], hasMore: false) }
            var stored = try await read { session in try MessageListing(query).rows(session) }
            let hasMore = stored.count > query.limit
            if hasMore { stored.removeLast() }
            return Page(elements: try stored.decoded(), hasMore: hasMore)
        }

        package func timeline(_ id: MessageID) async throws(StoreError) -> [TimelineEvent] {
            let entries = try await read { session in
                try session.query(Statements.timeline, [id]).map { row in
                    let number: Int64 = row.next()
                    let kind = try row.nextCase(TimelineEvent.Kind.self)
                    let at: Timestamp = row.next()
                    var event = TimelineEvent(
                        id: EventID(number: number, at: at), messageID: id, kind: kind, at: at)
                    event.attempt = row.nextIfAny()
                    event.outcome = row.nextIfAny()
                    event.httpStatus = row.nextIfAny()
                    event.durationMilliseconds = row.nextIfAny()
                    event.error = row.nextIfAny()
                    event.detail = row.nextIfAny()
                    return event
                }
            }
            return entries.inTimeOrder()
        }

        package func cancel(_ id: MessageID, tenant: TenantID, now: Timestamp) async throws(StoreError) -> CancelResult
        {
            let (stored, isCancelled): (StoredMessage?, Bool) = try await write { transaction in
                guard let stored = try transaction.load(id), stored.message.tenantID == tenant else {
                    return (nil, false)
                }
                guard stored.message.status == .queued, stored.job?.state == .waiting else { return (stored, false) }
                let changed = try transaction.change([stored], now: now) { change, _ in
                    change.fail(ErrorReason(.cancelled))
                    return true
                }
                return (changed[0], true)
            }
            guard let stored else { return .notFound }
            return isCancelled ? .cancelled(try stored.decoded()) : .tooLate(stored.message.status)
        }

        package func replay(_ id: MessageID, tenant: TenantID, correction: Correction, now: Timestamp)
            async throws(StoreError) -> ReplayResult
        {
            let stored: StoredMessage? = try await write { transaction in
                try transaction.keepChannels()
                guard let stored = try transaction.load(id), stored.message.tenantID == tenant else { return nil }
                return try transaction.replay([(stored, correction)], now: now)[0]
            }
            guard let stored else { return .notFound }
            return .replayed(try stored.decoded())
        }

        package func discard(_ id: MessageID, tenant: TenantID, now: Timestamp) async throws(StoreError) -> Bool {
            try await write { transaction in
                guard let stored = try transaction.load(id), stored.message.tenantID == tenant,
                    stored.message.deadLetteredAt != nil
                else { return false }
                try transaction.change([stored], now: now) { change, _ in
                    change.discard()
                    return true
                }
                return true
            }
        }
    }

    extension WriteTransaction {
        /// Queues dead letters again. Nil, and nothing changes, where it is none, or where nothing is left to send.
        func replay(_ letters: [(stored: StoredMessage, correction: Correction)], now: Timestamp) throws
            -> [StoredMessage?]
        {
            guard !letters.isEmpty else { return [] }
            let unknown = Set(
                try session.query(Statements.unknownAttempts, [SQLArray(letters) { $0.stored.message.id }])
                    .map { $0.next(MessageID.self) })
            return try change(letters.map(\.stored), now: now) { change, index in
                let (stored, correction) = letters[index]
                return change.replay(
                    correction, isErased: stored.json.isErased, wasUnknown: unknown.contains(stored.message.id))
            }
        }
    }

    extension EventID {
        /// The id of a timeline entry, made of what the row holds anyway.
        init(number: Int64, at: Timestamp) {
            self.init(milliseconds: UInt64(max(0, at.milliseconds)), number: UInt128(UInt64(number)))
        }
    }
#endif
