#if PostgreSQL
    import Martlet

    /// A message as its row and its job's row hold it.
    struct StoredMessage: Sendable {
        /// Everything but the payload's content, the event and the metadata, which are empty here.
        var record: TrackedMessage
        let json: MessageJSON

        var message: Message { record.message }
        var job: Job? { record.job }

        /// The same message after a change.
        init(_ stored: StoredMessage, after change: MessageChange) {
            record = change.after
            json = stored.json.applying(change.payload)
        }

        /// A message that is about to be stored.
        init(accepting message: Message, job: Job) {
            var bare = message
            bare.payload.content = JSONObject()
            bare.event = nil
            bare.metadata = JSONObject()
            bare.job = nil
            record = TrackedMessage(message: bare, job: job, claimToken: 0)
            json = MessageJSON(message)
        }

        /// The columns ``init(_:)`` reads first, of `communications_log l`.
        static let logColumns = """
            l.id, l.tenant_id, l.channel_id, l.recipient, l.type, l.payload, l.status, l.message_id, l.submission_id,
            l.attempts, l.error_reason, l.dead_lettered_at, l.duplicate_risk, l.priority, l.send_at, l.expires_at,
            l.on_unknown, l.redact, l.idempotency_key, l.event, l.metadata, l.created_at, l.updated_at, l.sent_at,
            l.acknowledged_at, l.delivered_at, l.read_at, l.failed_at, l.claim_token
            """
        /// The columns of `jobs j` behind them.
        static let jobColumns = """
            j.state, j.due_at, j.token, j.worker, j.lease_until, j.condition, j.since, j.attempt_started_at, j.is_held
            """
        /// Both, for a log that is joined with its jobs.
        static let columns = logColumns + ", " + jobColumns
        static let byID = """
            SELECT \(columns) FROM communications_log l LEFT JOIN jobs j ON j.message = l.id WHERE l.id = $1
            """

        /// Reads a row of ``columns``.
        init(_ columns: inout ColumnReader) throws {
            try self.init(log: &columns)
            record.job = try Job(&columns)
        }

        /// Reads a row of ``logColumns``.
        /// - throws: ``StoreError/Code/unusable`` when a column holds what no version has written.
        init(log columns: inout ColumnReader) throws {
            let id: MessageID = columns.next()
            let tenant: TenantID = columns.next()
            let channel: ChannelID = columns.next()
            let recipient: PhoneNumber = columns.next()
            let kind = try columns.nextCase(Payload.Kind.self)
            let payloadText: String = columns.next()
            let status = try columns.nextCase(MessageStatus.self)
            // The creation time comes later in the row and is set below.
            var message = Message(
                id: id, tenantID: tenant, channelID: channel, recipient: recipient,
                payload: Payload(kind: kind, content: JSONObject()), createdAt: Timestamp(microseconds: 0))
            message.status = status
            message.messageID = columns.nextIfAny()
            message.submissionID = columns.nextIfAny()
            message.attempts = columns.next()
            message.errorReason = columns.nextIfAny()
            message.deadLetteredAt = columns.nextIfAny()
            message.duplicateRisk = columns.next()
            message.priority = try columns.nextCase(Priority.self)
            message.sendAt = columns.nextIfAny()
            message.expiresAt = columns.nextIfAny()
            message.onUnknown = try columns.nextCase(UnknownPolicy.self)
            message.redact = columns.next()
            message.idempotencyKey = columns.nextIfAny()
            json = MessageJSON(payload: payloadText, event: columns.nextIfAny(), metadata: columns.nextIfAny())
            message.createdAt = columns.next()
            message.updatedAt = columns.next()
            message.sentAt = columns.nextIfAny()
            message.acknowledgedAt = columns.nextIfAny()
            message.deliveredAt = columns.nextIfAny()
            message.readAt = columns.nextIfAny()
            message.failedAt = columns.nextIfAny()
            record = TrackedMessage(message: message, job: nil, claimToken: columns.next())
        }

        /// The whole message, its JSON parsed, with its job's snapshot.
        func decoded() throws(StoreError) -> Message { try json.completing(record) }
    }

    extension Job {
        /// Reads a row of ``StoredMessage/jobColumns``; nil when an outer join found none.
        init?(_ columns: inout ColumnReader) throws {
            let state: Int? = columns.nextIfAny()
            let dueAt: Timestamp? = columns.nextIfAny()
            let token: Int64? = columns.nextIfAny()
            let worker: String? = columns.nextIfAny()
            let leaseUntil: Timestamp? = columns.nextIfAny()
            let condition: String? = columns.nextIfAny()
            let since: Timestamp? = columns.nextIfAny()
            let attemptStartedAt: Timestamp? = columns.nextIfAny()
            let isHeld: Bool? = columns.nextIfAny()
            guard let state else { return nil }
            guard let state = JobSnapshot.State(rawValue: state), let dueAt, let token, let since, let isHeld else {
                throw StoreError(.unusable, "the database holds an unknown JobSnapshot.State")
            }
            self.init(dueAt: dueAt, token: token, since: since)
            self.state = state
            self.worker = worker
            self.leaseUntil = leaseUntil
            self.attemptStartedAt = attemptStartedAt
            self.condition = condition.flatMap(Condition.init(rawValue:))
            self.isHeld = isHeld
        }
    }

    extension Array where Element == StoredMessage {
        /// The whole messages.
        func decoded() throws(StoreError) -> [Message] {
            var messages: [Message] = []
            messages.reserveCapacity(count)
            for stored in self { messages.append(try stored.decoded()) }
            return messages
        }
    }
#endif
