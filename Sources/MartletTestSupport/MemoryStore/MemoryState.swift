import Martlet

/// What a ``MemoryStore`` holds. Every change of a message goes through ``modify(_:_:)``, which keeps the indexes and
/// counters in step by comparing the row before with the row after.
struct MemoryState: Sendable {
    /// The job behind a queued message.
    struct Job: Sendable, Equatable {
        var state: JobSnapshot.State
        var dueAt: Timestamp
        var condition: Condition?
        var since: Timestamp
        /// Grows with each claim.
        var token: Int64 = 0
        var worker: String?
        var leaseUntil = Timestamp(microseconds: 0)
        var attemptStartedAt = Timestamp(microseconds: 0)
        /// When an unknown outcome must be decided.
        var decideAt = Timestamp(microseconds: 0)
        /// What a released claim goes back to.
        var waitingSince = Timestamp(microseconds: 0)
    }

    struct PlannedLookUp: Sendable, Equatable {
        var purpose: LookUp.Purpose
        var dueAt: Timestamp
        var tries = 0
        var attemptStartedAt: Timestamp
    }

    struct Row: Sendable, Equatable {
        /// Its `job` is always nil here; ``MemoryState/message(_:)`` adds the snapshot.
        var message: Message
        var job: Job?
        var lookUp: PlannedLookUp?
    }

    /// An id a provider gave, which means something within its channel only.
    struct ProviderKey: Hashable, Sendable {
        var channel: ChannelID
        var id: String
    }

    struct Parked: Sendable {
        var acknowledgement: Acknowledgement
        var parkedAt: Timestamp
    }

    struct RememberedKey: Sendable {
        var contentHash: [UInt8]
        var message: MessageID
        var expiresAt: Timestamp
    }

    struct IdempotencyKey: Hashable, Sendable {
        var tenant: TenantID
        var key: String
    }

    let identifiers: IdentifierGenerator

    // The log.
    var rows: [MessageID: Row] = [:]
    var timelines: [MessageID: [TimelineEvent]] = [:]
    var idsByTenant: [TenantID: [MessageID]] = [:]
    var keysSeen: [IdempotencyKey: RememberedKey] = [:]
    var counts: [TenantID: [MessageStatus: Int]] = [:]
    var deadLetters: [TenantID: Int] = [:]

    // The queue: one index for each priority of a channel.
    var lanes: [ChannelID: [DueIndex]] = [:]
    var leases = DueIndex()
    var expiries = DueIndex()
    var decisions = DueIndex()
    var claimHistory: [ChannelID: [Timestamp]] = [:]
    var recipientClaims: [ChannelID: [PhoneNumber: Timestamp]] = [:]
    var deletedChannels: Set<ChannelID> = []

    // Reconciliation.
    var lookUps = DueIndex()
    var bound: [ProviderKey: MessageID] = [:]
    var parked: [ProviderKey: [Parked]] = [:]

    // The directory.
    var tenants: [TenantID: Tenant] = [:]
    var keys: [KeyID: (key: APIKey, hash: [UInt8])] = [:]
    var channels: [ChannelID: ChannelRecord] = [:]
    var settings: [String: [UInt8]] = [:]

    // The inbox.
    var nextSequence: Int64 = 1
    var inbox: [Int64: (entry: InboxEntry, leasedUntil: Timestamp)] = [:]
    var setAside: [MemoryStore.SetAsideEntry] = []

    init(identifiers: IdentifierGenerator) { self.identifiers = identifiers }

    // MARK: Rows

    /// The message as a reader sees it.
    func message(_ id: MessageID) -> Message? { rows[id].map(Self.message) }

    static func message(_ row: Row) -> Message {
        var message = row.message
        message.job = row.job.map {
            JobSnapshot(state: $0.state, dueAt: $0.dueAt, condition: $0.condition, since: $0.since)
        }
        return message
    }

    mutating func insert(_ message: Message, now: Timestamp) {
        var bare = message
        bare.job = nil
        var row = Row(message: bare)
        if let job = message.job {
            row.job = Job(state: job.state, dueAt: job.dueAt, condition: job.condition, since: job.since)
        }
        rows[message.id] = row
        reindex(message.id, from: nil, to: row)
        // Ids are made in order, so the right place is at or near the end.
        var index = idsByTenant[message.tenantID]?.count ?? 0
        while index > 0, let before = idsByTenant[message.tenantID]?[index - 1], before > message.id { index -= 1 }
        idsByTenant[message.tenantID, default: []].insert(message.id, at: index)
        note(.accepted, message.id, at: now)
    }

    /// Changes a row and keeps everything derived from it in step.
    /// - returns: the message as it is afterwards; nil when there is no such row.
    @discardableResult
    mutating func modify(_ id: MessageID, now: Timestamp, _ change: (inout Row) -> Void) -> Message? {
        guard let before = rows[id] else { return nil }
        var after = before
        change(&after)
        if after.message.status.isFinal, after.message.redact { after.message.payload.content = JSONObject() }
        if after.message != before.message { after.message.updatedAt = now }
        rows[id] = after
        reindex(id, from: before, to: after)
        return Self.message(after)
    }

    mutating func remove(_ id: MessageID) {
        guard let row = rows.removeValue(forKey: id) else { return }
        reindex(id, from: row, to: nil)
        timelines[id] = nil
        idsByTenant[row.message.tenantID]?.removeAll { $0 == id }
    }

    mutating func note(
        _ kind: TimelineEvent.Kind, _ id: MessageID, at moment: Timestamp, attempt: Int? = nil, error: String? = nil,
        detail: String? = nil
    ) {
        timelines[id, default: []].append(
            TimelineEvent(
                id: identifiers.next(), messageID: id, kind: kind, at: moment, attempt: attempt, error: error,
                detail: detail))
    }

    /// Ends a message as failed, in the dead-letter queue where the reason says so.
    mutating func fail(_ id: MessageID, _ reason: ErrorReason, now: Timestamp) -> Message? {
        let message = modify(id, now: now) { row in
            row.message.status = .failed
            row.message.errorReason = reason.description
            row.message.failedAt = now
            row.message.deadLetteredAt = reason.isDeadLettered ? now : nil
            row.job = nil
            row.lookUp = nil
        }
        guard message != nil else { return nil }
        switch reason.code {
        case .expired: note(.expired, id, at: now)
        case .cancelled: note(.cancelled, id, at: now)
        default: note(.failed, id, at: now, error: reason.description)
        }
        if reason.isDeadLettered { note(.deadLettered, id, at: now) }
        return message
    }

    // MARK: Indexes

    private static let emptyLanes = Array(repeating: DueIndex(), count: Priority.allCases.count)

    private mutating func reindex(_ id: MessageID, from before: Row?, to after: Row?) {
        if let before { count(before, by: -1) }
        if let after { count(after, by: 1) }
        let (old, new) = (before?.job, after?.job)
        if old != new {
            if let before, let old { unindex(id, before, old) }
            if let after, let new { index(id, after, new) }
        }
        if before?.lookUp?.dueAt != after?.lookUp?.dueAt {
            if let planned = before?.lookUp { lookUps.remove(id, at: planned.dueAt) }
            if let planned = after?.lookUp { lookUps.insert(id, at: planned.dueAt) }
        }
        let oldKey = before.flatMap(Self.providerKey)
        let newKey = after.flatMap(Self.providerKey)
        if oldKey != newKey {
            if let oldKey, bound[oldKey] == id { bound[oldKey] = nil }
            if let newKey { bound[newKey] = id }
        }
    }

    private static func providerKey(_ row: Row) -> ProviderKey? {
        row.message.messageID.map { ProviderKey(channel: row.message.channelID, id: $0) }
    }

    private mutating func count(_ row: Row, by step: Int) {
        counts[row.message.tenantID, default: [:]][row.message.status, default: 0] += step
        if row.message.deadLetteredAt != nil { deadLetters[row.message.tenantID, default: 0] += step }
    }

    private mutating func index(_ id: MessageID, _ row: Row, _ job: Job) {
        switch job.state {
        case .waiting:
            lanes[row.message.channelID, default: Self.emptyLanes][row.message.priority.rawValue]
                .insert(id, at: job.dueAt)
            if let expiresAt = row.message.expiresAt { expiries.insert(id, at: expiresAt) }
        case .claimed: leases.insert(id, at: job.leaseUntil)
        case .unknown: decisions.insert(id, at: job.decideAt)
        }
    }

    private mutating func unindex(_ id: MessageID, _ row: Row, _ job: Job) {
        switch job.state {
        case .waiting:
            lanes[row.message.channelID]?[row.message.priority.rawValue].remove(id, at: job.dueAt)
            if let expiresAt = row.message.expiresAt { expiries.remove(id, at: expiresAt) }
        case .claimed: leases.remove(id, at: job.leaseUntil)
        case .unknown: decisions.remove(id, at: job.decideAt)
        }
    }
}
