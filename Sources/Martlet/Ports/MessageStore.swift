/// The communications log: what was accepted, and what became of it.
package protocol MessageStore: Sendable {
    /// Stores a batch durably in one transaction: each message with its job and its timeline's first entry, or, where an
    /// idempotency key is known already, nothing. On return everything is on disk. Results are in the order of the batch;
    /// two entries of one batch with the same key are treated as if one came after the other.
    /// - throws: when nothing of the batch was stored.
    func accept(_ batch: [AcceptanceRequest], now: Timestamp) async throws(StoreError) -> [AcceptanceResult]

    /// The message with its job's snapshot, or nil. With a tenant, only that tenant's.
    func message(_ id: MessageID, tenant: TenantID?) async throws(StoreError) -> Message?

    /// A page of messages, newest first. Uses an index whatever is filtered by.
    func messages(_ query: MessageQuery) async throws(StoreError) -> Page<Message>

    /// Everything that happened to a message, oldest first.
    func timeline(_ id: MessageID) async throws(StoreError) -> [TimelineEvent]

    /// Cancels a message that is queued and not being sent: failed, `cancelled`, not dead-lettered.
    func cancel(_ id: MessageID, tenant: TenantID, now: Timestamp) async throws(StoreError) -> CancelResult

    /// Queues a dead-lettered message again under its own id: attempts 0, failure cleared, corrected as asked, history kept.
    /// One whose content is redacted needs another payload; without it, it is not found.
    func replay(_ id: MessageID, tenant: TenantID, correction: Correction, now: Timestamp) async throws(StoreError)
        -> ReplayResult

    /// Takes a message out of the dead-letter queue; the log keeps it as failed. False when it does not stand there.
    func discard(_ id: MessageID, tenant: TenantID, now: Timestamp) async throws(StoreError) -> Bool

    /// A tenant's numbers, from maintained counters, never by counting messages.
    func statistics(tenant: TenantID, now: Timestamp) async throws(StoreError) -> StoreStatistics

    /// Jobs waiting by priority, over all tenants, and the due time of the oldest that is due: for metrics and the heartbeat.
    func queueDepth(now: Timestamp) async throws(StoreError) -> QueueDepth
}

/// A message to store, and what makes it the same as another.
package struct AcceptanceRequest: Sendable {
    package var message: Message
    package var idempotency: IdempotencyClaim?

    package init(message: Message, idempotency: IdempotencyClaim?) {
        self.message = message
        self.idempotency = idempotency
    }
}

/// A claim on an idempotency key of the message's tenant.
package struct IdempotencyClaim: Sendable, Equatable {
    package var key: String
    /// SHA-256 of the canonical content; the same key with another hash is a conflict.
    package var contentHash: [UInt8]
    package var expiresAt: Timestamp

    package init(key: String, contentHash: [UInt8], expiresAt: Timestamp) {
        self.key = key
        self.contentHash = contentHash
        self.expiresAt = expiresAt
    }
}

package enum AcceptanceResult: Sendable {
    case accepted(Message)
    /// The key was seen before with the same content: that message.
    case replayed(Message)
    /// The key was seen before with other content.
    case conflict(MessageID)
}

package enum CancelResult: Sendable, Equatable {
    case cancelled(Message)
    case notFound
    /// It is being sent, or has been, or is final.
    case tooLate(MessageStatus)
}

package enum ReplayResult: Sendable, Equatable {
    case replayed(Message)
    case notFound
}

/// What a replay changes in a message.
package struct Correction: Sendable, Equatable {
    package var recipient: PhoneNumber?
    package var payload: Payload?
    /// `.some(nil)` takes the expiry away.
    package var expiresAt: Timestamp??

    package init(recipient: PhoneNumber? = nil, payload: Payload? = nil, expiresAt: Timestamp?? = nil) {
        self.recipient = recipient
        self.payload = payload
        self.expiresAt = expiresAt
    }
}

/// Which messages, and from where on.
package struct MessageQuery: Sendable {
    package var tenant: TenantID
    package var recipient: PhoneNumber?
    /// Matches the WhatsApp id or the submission id.
    package var providerMessageID: String?
    package var status: MessageStatus?
    package var channel: ChannelID?
    /// Created at or after.
    package var since: Timestamp?
    /// Created before.
    package var until: Timestamp?
    package var deadLetteredOnly = false
    package var limit = 50
    /// Only messages older than this one (by id).
    package var before: MessageID?

    package init(tenant: TenantID) { self.tenant = tenant }
}

package struct Page<Element: Sendable>: Sendable {
    package var elements: [Element]
    /// Whether more follow after the last element.
    package var hasMore: Bool

    package init(elements: [Element], hasMore: Bool) {
        self.elements = elements
        self.hasMore = hasMore
    }
}

package struct StoreStatistics: Sendable, Equatable {
    package struct ChannelBacklog: Sendable, Equatable {
        package var channel: ChannelID
        package var waiting: Int
        /// Due time of the job that has been due the longest; nil when none is due.
        package var oldestDueAt: Timestamp?

        package init(channel: ChannelID, waiting: Int, oldestDueAt: Timestamp?) {
            self.channel = channel
            self.waiting = waiting
            self.oldestDueAt = oldestDueAt
        }
    }

    package var counts: [MessageStatus: Int]
    package var deadLetters: Int
    package var backlogs: [ChannelBacklog]

    package init(counts: [MessageStatus: Int], deadLetters: Int, backlogs: [ChannelBacklog]) {
        self.counts = counts
        self.deadLetters = deadLetters
        self.backlogs = backlogs
    }
}

package struct QueueDepth: Sendable, Equatable {
    package var waiting: [Priority: Int]
    package var oldestDueAt: Timestamp?

    package init(waiting: [Priority: Int], oldestDueAt: Timestamp?) {
        self.waiting = waiting
        self.oldestDueAt = oldestDueAt
    }
}
