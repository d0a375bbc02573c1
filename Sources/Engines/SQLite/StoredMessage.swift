import GRDB
import Martlet

/// A message as its row and its job's row hold it.
struct StoredMessage: Sendable {
    /// The row's number; what else belongs to the message refers to it by this.
    let sequence: Int64
    /// Everything but the payload's content, the event and the metadata, which are empty here.
    let record: TrackedMessage
    let json: MessageJSON

    var message: Message { record.message }
    var job: Job? { record.job }

    /// The same message after a change.
    init(_ stored: StoredMessage, after change: MessageChange) {
        sequence = stored.sequence
        record = change.after
        json = stored.json.applying(change.payload)
    }

    /// The columns ``init(_:)`` reads, of `communications_log l` and its outer join `jobs j`.
    static let columns = """
        l.seq, l.id, l.tenant_id, l.channel_id, l.recipient, l.type, l.payload, l.status, l.message_id, l.submission_id,
        l.attempts, l.error_reason, l.dead_lettered_at, l.duplicate_risk, l.priority, l.send_at, l.expires_at,
        l.on_unknown, l.redact, l.idempotency_key, l.event, l.metadata, l.created_at, l.updated_at, l.sent_at,
        l.acknowledged_at, l.delivered_at, l.read_at, l.failed_at, l.claim_token,
        j.state, j.due_at, j.token, j.condition, j.since, j.attempt_started_at, j.is_held
        """
    /// How many ``columns`` there are: where the columns of a longer row go on.
    static let columnCount = 37
    static let byID = "SELECT \(columns) FROM communications_log l LEFT JOIN jobs j ON j.message = l.seq WHERE l.id = ?"

    /// Reads a row of ``columns``.
    /// - throws: ``StoreError/Code/unusable`` when a column holds what no version has written.
    init(_ row: Row) throws {
        var columns = ColumnReader(row)
        sequence = columns.next()
        let id: MessageID = columns.next()
        let tenant: TenantID = columns.next()
        let channel: ChannelID = columns.next()
        let recipient: PhoneNumber = columns.next()
        let kind = try columns.next(Payload.Kind.self)
        let payloadText: String = columns.next()
        let status = try columns.next(MessageStatus.self)
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
        message.priority = try columns.next(Priority.self)
        message.sendAt = columns.nextIfAny()
        message.expiresAt = columns.nextIfAny()
        message.onUnknown = try columns.next(UnknownPolicy.self)
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
        let claimToken: Int64 = columns.next()
        record = TrackedMessage(message: message, job: try Job(&columns), claimToken: claimToken)
    }

    /// The whole message, its JSON parsed, with its job's snapshot.
    func decoded() throws(StoreError) -> Message { try json.completing(record) }
}

extension Job {
    /// Reads the job's part of ``StoredMessage/columns``; nil when the outer join found none. Worker and lease are not
    /// among them: whoever changes the state sets them anew.
    init?(_ columns: inout ColumnReader) throws {
        let state: Int? = columns.nextIfAny()
        let dueAt: Timestamp? = columns.nextIfAny()
        let token: Int64? = columns.nextIfAny()
        let condition: String? = columns.nextIfAny()
        let since: Timestamp? = columns.nextIfAny()
        let attemptStartedAt: Timestamp? = columns.nextIfAny()
        let isHeld: Bool? = columns.nextIfAny()
        guard let state = state.flatMap(JobSnapshot.State.init(rawValue:)), let dueAt, let token, let since, let isHeld
        else { return nil }
        self.init(dueAt: dueAt, token: token, since: since)
        self.state = state
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
