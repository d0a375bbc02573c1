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
            // What the provider took and then gave up on is known; an attempt of which nothing was ever heard is not.
            let unknown = Set(
                try session.query(Statements.unknownAttempts, [SQLArray(letters) { $0.stored.message.id }])
                    .map { $0.next(MessageID.self) })
            return try change(letters.map(\.stored), now: now) { change, index in
                let (stored, correction) = letters[index]
                guard stored.message.deadLetteredAt != nil, stored.payloadText != "{}" || correction.payload != nil
                else {
                    return false
                }
                change.replay(
                    correction,
                    mayHaveBeenSent: stored.message.sentAt == nil && unknown.contains(stored.message.id))
                return true
            }
        }
    }

    private let digits: [UInt8] = Array("0123456789abcdefghjkmnpqrstvwxyz".utf8)

    extension MessageID {
        /// When the id was made, as it tells itself.
        var madeAt: Timestamp {
            var milliseconds: Int64 = 0
            for digit in text.utf8.dropFirst(MessageKind.prefix.utf8.count).prefix(10) {
                milliseconds = milliseconds << 5 | Int64(digits.firstIndex(of: digit) ?? 0)
            }
            return Timestamp(milliseconds: min(milliseconds, 1 << 48))
        }
    }

    extension EventID {
        /// The id of a timeline entry. It is made of what the row holds anyway, in the layout every id has: 48 bits of
        /// milliseconds, then the entry's number.
        init(number: Int64, at: Timestamp) {
            let milliseconds = UInt64(max(0, at.milliseconds))
            let rest = UInt128(UInt64(number))
            var text = Array(EventKind.prefix.utf8)
            for index in 0..<10 { text.append(digits[Int(milliseconds >> (5 * UInt64(9 - index)) & 31)]) }
            for index in 0..<16 { text.append(digits[Int(truncatingIfNeeded: rest >> (5 * (15 - index)) & 31)]) }
            self.init(unchecked: String(decoding: text, as: UTF8.self))
        }
    }
#endif
