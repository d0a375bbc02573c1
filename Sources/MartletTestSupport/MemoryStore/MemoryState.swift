import Martlet

/// What a ``MemoryStore`` holds. Every row is stored by ``put(_:for:)``, which keeps the indexes and counters in step by
/// comparing the row before with the row after.
struct MemoryState: Sendable {
    struct PlannedLookUp: Sendable, Equatable {
        var purpose: LookUp.Purpose
        var dueAt: Timestamp
        var tries = 0
        var attemptStartedAt: Timestamp
    }

    struct Row: Sendable, Equatable {
        var record: TrackedMessage
        var lookUp: PlannedLookUp?

        /// Its own job is always nil here; ``MemoryState/message(_:)`` adds the snapshot.
        var message: Message { record.message }
        var job: Job? { record.job }
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
    let flaws: Set<MemoryStore.Flaw>

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

    // Bulk replays.
    var replays: [ReplayID: Replay] = [:]

    // The directory.
    var tenants: [TenantID: Tenant] = [:]
    var keys: [KeyID: (key: APIKey, hash: [UInt8])] = [:]
    var channels: [ChannelID: ChannelRecord] = [:]
    var settings: [String: [UInt8]] = [:]

    // The inbox.
    var nextSequence: Int64 = 1
    var inbox: [Int64: (entry: InboxEntry, leasedUntil: Timestamp)] = [:]
    var setAside: [SetAsideInboxEntry] = []

    init(identifiers: IdentifierGenerator, flaws: Set<MemoryStore.Flaw>) {
        self.identifiers = identifiers
        self.flaws = flaws
    }

    // MARK: Rows

    /// The message as a reader sees it.
    func message(_ id: MessageID) -> Message? { rows[id].map(Self.message) }

    static func message(_ row: Row) -> Message {
        var message = row.message
        message.job = row.job?.snapshot
        return message
    }

    /// Stores a message with its job, which is due as soon as it may be sent.
    mutating func insert(_ message: Message, now: Timestamp) -> Message {
        var bare = message
        bare.job = nil
        let job = flaws.contains(.writesJobsApart) ? nil : Self.firstJob(of: message, now: now)
        let row = Row(record: TrackedMessage(message: bare, job: job, claimToken: 0))
        put(row, for: message.id)
        // Ids are made in order, so the right place is at or near the end.
        var index = idsByTenant[message.tenantID]?.count ?? 0
        while index > 0, let before = idsByTenant[message.tenantID]?[index - 1], before > message.id { index -= 1 }
        idsByTenant[message.tenantID, default: []].insert(message.id, at: index)
        note(MessageChange.Entry(kind: .accepted, at: now), of: message.id)
        guard deletedChannels.contains(message.channelID) else { return Self.message(row) }
        return change(message.id, now: now) { $0.fail(ErrorReason(.channelDeleted)) } ?? Self.message(row)
    }

    static func firstJob(of message: Message, now: Timestamp) -> Job {
        Job(dueAt: max(now, message.sendAt ?? now), token: 0, since: now)
    }

    /// Changes a message by the core's rules. A newly known id first applies what was parked for it; a job that would wait
    /// for a channel that is gone fails instead.
    /// - returns: the message as it is afterwards; nil when there is none.
    @discardableResult
    mutating func change(_ id: MessageID, now: Timestamp, _ rule: (inout MessageChange) -> Void) -> Message? {
        guard var row = rows[id] else { return nil }
        var change = MessageChange(row.record, now: now)
        rule(&change)
        if let messageID = change.boundMessageID {
            for acknowledgement in takeParked(messageID, of: row.message.channelID, now: now) {
                change.acknowledge(acknowledgement.level, at: acknowledgement.at, detail: acknowledgement.detail)
            }
        }
        if change.after.job?.state == .waiting, row.job?.state != .waiting,
            deletedChannels.contains(row.message.channelID)
        {
            change.fail(ErrorReason(.channelDeleted))
        }
        row.record = change.after
        switch change.lookUp {
        case .keep: break
        case .remove: row.lookUp = nil
        case .schedule(let purpose, let at, let tries, let attemptStartedAt):
            row.lookUp = PlannedLookUp(purpose: purpose, dueAt: at, tries: tries, attemptStartedAt: attemptStartedAt)
        }
        put(row, for: id)
        for entry in change.entries { note(entry, of: id) }
        return Self.message(row)
    }

    /// Stores a row, and keeps everything derived from it in step.
    mutating func put(_ row: Row, for id: MessageID) {
        let before = rows.updateValue(row, forKey: id)
        reindex(id, from: before, to: row)
    }

    mutating func remove(_ id: MessageID) {
        guard let row = rows.removeValue(forKey: id) else { return }
        reindex(id, from: row, to: nil)
        timelines[id] = nil
        idsByTenant[row.message.tenantID]?.removeAll { $0 == id }
    }

    private mutating func note(_ entry: MessageChange.Entry, of id: MessageID) {
        timelines[id, default: []].append(
            TimelineEvent(
                id: identifiers.next(), messageID: id, kind: entry.kind, at: entry.at, attempt: entry.attempt,
                outcome: entry.outcome, httpStatus: entry.httpStatus,
                durationMilliseconds: entry.durationMilliseconds, error: entry.error, detail: entry.detail))
    }

    /// What was parked for an id, in the order in which it must have happened: a failure last.
    private mutating func takeParked(_ messageID: String, of channel: ChannelID, now: Timestamp) -> [Acknowledgement] {
        let waiting = parked.removeValue(forKey: ProviderKey(channel: channel, id: messageID)) ?? []
        return waiting.filter { $0.parkedAt + MemoryStore.parkedFor >= now }.map(\.acknowledgement)
            .sorted { left, right in
                (left.level == .failed ? 1 : 0, left.level.rawValue)
                    < (right.level == .failed ? 1 : 0, right.level.rawValue)
            }
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
        if flaws.contains(.miscounts), row.message.status == .delivered, step > 0 { return }
        counts[row.message.tenantID, default: [:]][row.message.status, default: 0] += step
        if row.message.deadLetteredAt != nil { deadLetters[row.message.tenantID, default: 0] += step }
    }

    private mutating func index(_ id: MessageID, _ row: Row, _ job: Job) {
        switch job.state {
        case .waiting:
            lanes[row.message.channelID, default: Self.emptyLanes][row.message.priority.rawValue]
                .insert(id, at: job.dueAt)
            if let expiresAt = row.message.expiresAt { expiries.insert(id, at: expiresAt) }
        case .claimed: if let leaseUntil = job.leaseUntil { leases.insert(id, at: leaseUntil) }
        case .unknown: decisions.insert(id, at: job.dueAt)
        }
    }

    private mutating func unindex(_ id: MessageID, _ row: Row, _ job: Job) {
        switch job.state {
        case .waiting:
            lanes[row.message.channelID]?[row.message.priority.rawValue].remove(id, at: job.dueAt)
            if let expiresAt = row.message.expiresAt { expiries.remove(id, at: expiresAt) }
        case .claimed: if let leaseUntil = job.leaseUntil { leases.remove(id, at: leaseUntil) }
        case .unknown: decisions.remove(id, at: job.dueAt)
        }
    }
}
