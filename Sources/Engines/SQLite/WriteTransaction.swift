import GRDB
import Martlet

/// One call's share of a transaction: what the writing calls have in common. Used on the writer's thread only.
final class WriteTransaction {
    let database: Database
    private var counters: [CounterKey: Int] = [:]
    private var deletedChannels: [ChannelID: Bool] = [:]

    init(_ database: Database) { self.database = database }

    /// The message and its job, or nil.
    func load(_ id: MessageID) throws -> StoredMessage? {
        try database.first(StoredMessage.byID, [id], StoredMessage.init)
    }

    /// Whether the channel was removed; what still comes for it cannot wait for anybody.
    func isDeleted(_ channel: ChannelID) throws -> Bool {
        if let known = deletedChannels[channel] { return known }
        let isDeleted = try database.first(Statements.deletedChannel, [channel]) { _ in true } ?? false
        deletedChannels[channel] = isDeleted
        return isDeleted
    }

    // MARK: Counters

    /// What a counter is of: a tenant (or all, empty), a channel (or all, empty), and what is counted.
    struct CounterKey: Hashable {
        var tenant: String
        var channel: String
        var name: String
    }

    func count(_ name: String, tenant: String = "", channel: String = "", by delta: Int) {
        counters[CounterKey(tenant: tenant, channel: channel, name: name), default: 0] += delta
    }

    /// Counts a job in or out of those that wait, by priority over all and by its channel.
    func countWaiting(_ message: Message, by delta: Int) {
        count(CounterName.waiting(message.priority), by: delta)
        count(CounterName.waiting, tenant: message.tenantID.text, channel: message.channelID.text, by: delta)
    }

    /// Writes the changes of the counters: once a call, not once a row.
    func storeCounters() throws {
        for (key, delta) in counters where delta != 0 {
            try database.run(Statements.count, [key.tenant, key.channel, key.name, delta])
        }
        counters = [:]
    }

    // MARK: Changes

    /// Stores a change: the log's changed columns, the job, the look-up, the timeline and the counters. A newly known
    /// id first applies what was parked for it; a job that would wait for a channel that is gone fails instead.
    @discardableResult
    func save(_ change: inout MessageChange, of stored: StoredMessage) throws -> StoredMessage {
        if let messageID = change.boundMessageID { try applyParked(messageID, to: &change) }
        if change.after.job?.state == .waiting, change.before.job?.state != .waiting,
            try isDeleted(change.after.message.channelID)
        {
            change.fail(ErrorReason(.channelDeleted))
        }
        let after = StoredMessage(stored, after: change)
        if change.after.message.redact { try Traces.wipe(database) }
        try saveLog(change, from: stored, to: after)
        try saveJob(change, sequence: stored.sequence)
        try saveLookUp(change, sequence: stored.sequence)
        for entry in change.entries { try insert(entry, message: stored.sequence) }
        countChanges(change)
        return after
    }

    /// Applies what was parked for an id, in the order in which it must have happened: each step then stands in the timeline.
    func applyParked(_ messageID: String, to change: inout MessageChange) throws {
        let channel = change.after.message.channelID
        let oldest = change.now - SQLiteStore.parkedAcknowledgementAge
        let parked = try database.all(Statements.parked, [channel, messageID, oldest]) { row in
            (level: AcknowledgementLevel(rawValue: row[0]), at: row[1] as Timestamp, detail: row[2] as String?)
        }
        for acknowledgement in parked {
            guard let level = acknowledgement.level else { continue }
            change.acknowledge(level, at: acknowledgement.at, detail: acknowledgement.detail)
        }
        try database.run(Statements.deleteParked, [channel, messageID])
    }

    private func saveLog(_ change: MessageChange, from stored: StoredMessage, to after: StoredMessage) throws {
        let (old, new) = (change.before.message, change.after.message)
        var assignments = ""
        var arguments: [(any DatabaseValueConvertible)?] = []
        // Only what differs is named: SQLite rewrites every index over a column that a statement names, changed or not.
        func set<Value: Equatable & DatabaseValueConvertible>(_ column: String, _ old: Value?, _ new: Value?) {
            guard old != new else { return }
            assignments += assignments.isEmpty ? "\(column) = ?" : ", \(column) = ?"
            arguments.append(new)
        }
        set("recipient", old.recipient, new.recipient)
        set("type", old.payload.kind.rawValue, new.payload.kind.rawValue)
        set("payload", stored.json.payload, after.json.payload)
        set("status", old.status.rawValue, new.status.rawValue)
        set("message_id", old.messageID, new.messageID)
        set("submission_id", old.submissionID, new.submissionID)
        set("attempts", old.attempts, new.attempts)
        set("error_reason", old.errorReason, new.errorReason)
        set("dead_lettered_at", old.deadLetteredAt, new.deadLetteredAt)
        set("duplicate_risk", old.duplicateRisk, new.duplicateRisk)
        set("expires_at", old.expiresAt, new.expiresAt)
        set("updated_at", old.updatedAt, new.updatedAt)
        set("sent_at", old.sentAt, new.sentAt)
        set("acknowledged_at", old.acknowledgedAt, new.acknowledgedAt)
        set("delivered_at", old.deliveredAt, new.deliveredAt)
        set("read_at", old.readAt, new.readAt)
        set("failed_at", old.failedAt, new.failedAt)
        set("claim_token", change.before.claimToken, change.after.claimToken)
        guard !arguments.isEmpty else { return }
        arguments.append(stored.sequence)
        try database.run(
            "UPDATE communications_log SET \(assignments) WHERE seq = ?", StatementArguments(arguments))
    }

    private func saveJob(_ change: MessageChange, sequence: Int64) throws {
        guard change.before.job != change.after.job else { return }
        guard let job = change.after.job else {
            try database.run(Statements.deleteJob, [sequence])
            return
        }
        if change.before.job == nil {
            try insert(job, of: change.after.message, sequence: sequence)
        } else {
            try database.run(
                Statements.updateJob,
                [
                    job.state.rawValue, job.dueAt, job.token, job.worker, job.leaseUntil, job.condition?.rawValue,
                    job.since, job.attemptStartedAt, job.isHeld, sequence,
                ])
        }
    }

    /// Inserts a waiting job.
    func insert(_ job: Job, of message: Message, sequence: Int64) throws {
        try database.run(
            Statements.insertJob,
            [
                sequence, message.channelID, message.recipient, message.priority.rawValue, job.state.rawValue,
                job.dueAt, message.expiresAt, job.token, job.since,
            ])
    }

    private func saveLookUp(_ change: MessageChange, sequence: Int64) throws {
        switch change.lookUp {
        case .keep: break
        case .remove: try database.run(Statements.deleteLookUp, [sequence])
        case .schedule(let purpose, let at, let tries, let attemptStartedAt):
            try database.run(
                Statements.scheduleLookUp,
                [
                    sequence, change.after.message.channelID, purpose.rawValue, at, tries,
                    attemptStartedAt,
                ])
        }
    }

    /// Appends an entry to a message's timeline.
    func insert(_ entry: MessageChange.Entry, message: Int64) throws {
        try database.run(
            Statements.insertEvent,
            [
                message, message, entry.kind.rawValue, entry.at, entry.attempt, entry.outcome, entry.httpStatus,
                entry.durationMilliseconds, entry.error, entry.detail,
            ])
    }

    private func countChanges(_ change: MessageChange) {
        let (old, new) = (change.before.message, change.after.message)
        if old.status != new.status {
            count(old.status.rawValue, tenant: old.tenantID.text, by: -1)
            count(new.status.rawValue, tenant: new.tenantID.text, by: 1)
        }
        switch (old.deadLetteredAt == nil, new.deadLetteredAt == nil) {
        case (true, false): count(CounterName.deadLetters, tenant: new.tenantID.text, by: 1)
        case (false, true): count(CounterName.deadLetters, tenant: new.tenantID.text, by: -1)
        default: break
        }
        switch (change.before.job?.state == .waiting, change.after.job?.state == .waiting) {
        case (false, true): countWaiting(new, by: 1)
        case (true, false): countWaiting(new, by: -1)
        default: break
        }
    }
}

/// What the counters are called. Counts by status carry the status' own name.
enum CounterName {
    static let deadLetters = "dead_letters"
    /// Jobs that wait, of one channel.
    static let waiting = "waiting"
    /// Webhooks that wait.
    static let inbox = "inbox"

    /// Jobs of one priority that wait, over all channels.
    static func waiting(_ priority: Priority) -> String { "waiting_\(priority.name)" }
}
