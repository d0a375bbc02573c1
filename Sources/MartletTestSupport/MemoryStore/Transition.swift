import Martlet

/// A row on its way from one state to the next, with the timeline entries that tell of it. Nothing is stored before
/// ``MemoryState/change(_:now:_:)`` takes it over.
struct Transition {
    /// A timeline entry that has no id yet.
    struct Entry {
        var kind: TimelineEvent.Kind
        var at: Timestamp
        var attempt: Int?
        var outcome: String?
        var httpStatus: Int?
        var durationMilliseconds: Int?
        var error: String?
        var detail: String?
    }

    var row: MemoryState.Row
    let now: Timestamp
    let flaws: Set<MemoryStore.Flaw>
    private(set) var entries: [Entry] = []

    init(_ row: MemoryState.Row, now: Timestamp, flaws: Set<MemoryStore.Flaw> = []) {
        self.row = row
        self.now = now
        self.flaws = flaws
    }

    // MARK: The timeline

    mutating func note(
        _ kind: TimelineEvent.Kind, at moment: Timestamp? = nil, error: String? = nil, detail: String? = nil
    ) {
        entries.append(
            Entry(kind: kind, at: moment ?? now, error: error.map(Self.bounded), detail: detail.map(Self.bounded)))
    }

    mutating func note(_ report: AttemptReport, attempt: Int) {
        entries.append(
            Entry(
                kind: .attempt, at: report.startedAt, attempt: attempt, outcome: report.outcome.name,
                httpStatus: report.httpStatus, durationMilliseconds: Int(report.duration.milliseconds),
                error: report.outcome.detail.map(Self.bounded)))
    }

    private static func bounded(_ text: String) -> String { String(text.prefix(ErrorReason.detailCharactersMax)) }

    // MARK: The job

    /// A worker takes the job.
    mutating func claim(worker: String, leaseUntil: Timestamp) {
        guard var job = row.job else { return }
        job.state = .claimed
        job.token += 1
        job.worker = worker
        job.leaseUntil = leaseUntil
        job.attemptStartedAt = now
        if job.isHeld {
            job.isHeld = false
            note(.released)
        }
        row.job = job
    }

    /// The job waits for that, until then. The timeline says `held` once for as long as the reason stays the same.
    mutating func hold(until: Timestamp, _ condition: Condition) {
        guard var job = row.job else { return }
        job.state = .waiting
        job.dueAt = until
        job.worker = nil
        if job.condition != condition {
            job.condition = condition
            job.since = now
            job.isHeld = true
            note(.held, detail: condition.rawValue)
        }
        row.job = job
        row.message.updatedAt = now
    }

    /// The job waits for another attempt.
    mutating func retry(at moment: Timestamp) {
        guard var job = row.job else { return }
        job.state = .waiting
        job.dueAt = moment
        job.condition = .retrying
        job.since = now
        job.worker = nil
        job.isHeld = false
        row.job = job
        row.message.updatedAt = now
    }

    /// Nothing was tried: the job waits as before.
    mutating func release() {
        row.job?.state = .waiting
        row.job?.worker = nil
    }

    /// Nobody knows what came of the attempt.
    mutating func awaitDecision(lookUpAt: Timestamp?, decideAt: Timestamp, startedAt: Timestamp) {
        guard var job = row.job else { return }
        job.state = .unknown
        job.dueAt = decideAt
        job.condition = nil
        job.since = now
        job.attemptStartedAt = startedAt
        job.worker = nil
        job.isHeld = false
        row.job = job
        row.message.updatedAt = now
        row.lookUp = lookUpAt.map {
            MemoryState.PlannedLookUp(purpose: .outcome, dueAt: $0, attemptStartedAt: startedAt)
        }
    }

    mutating func countAttempt() {
        row.message.attempts += 1
        row.message.updatedAt = now
    }

    /// The job is gone; its last token stays, so that those of a later job of this message are greater.
    private mutating func endJob() {
        row.lastToken = row.job?.token ?? row.lastToken
        row.job = nil
    }

    // MARK: The status

    /// The provider has the message.
    mutating func becomeSent(submissionID: String?, messageID: String?) {
        bind(submissionID: submissionID, messageID: messageID)
        guard row.message.status.mayBecome(.sent) else { return }
        row.message.status = .sent
        row.message.sentAt = now
        row.message.updatedAt = now
        endJob()
        note(.sent)
    }

    /// Keeps the ids the provider uses, where they are not known yet.
    mutating func bind(submissionID: String?, messageID: String?) {
        if let submissionID, row.message.submissionID == nil {
            row.message.submissionID = submissionID
            row.message.updatedAt = now
        }
        if let messageID, row.message.messageID == nil {
            row.message.messageID = messageID
            row.message.updatedAt = now
        }
    }

    /// Ends as failed, in the dead-letter queue where the reason says so.
    mutating func fail(_ reason: ErrorReason) {
        guard row.message.status.mayBecome(.failed) else { return }
        row.message.status = .failed
        row.message.failedAt = now
        row.message.updatedAt = now
        row.message.errorReason = reason.description
        endJob()
        row.lookUp = nil
        switch reason.code {
        case .expired: note(.expired, error: reason.description)
        case .cancelled: note(.cancelled)
        default: note(.failed, error: reason.description)
        }
        if reason.isDeadLettered {
            row.message.deadLetteredAt = now
            note(.deadLettered)
        }
        redactIfDone()
    }

    /// What a provider said of the message. Late and repeated news change nothing, not even the timeline.
    mutating func acknowledge(_ level: AcknowledgementLevel, at told: Timestamp, detail: String?) {
        guard level != .pending else { return }
        // A provider that tells whole seconds, or whose clock is behind, would have it delivered before it was sent.
        let earliest = [row.message.sentAt, row.message.acknowledgedAt, row.message.deliveredAt].compactMap(\.self)
            .max()
        let moment = max(told, earliest ?? told)
        if flaws.contains(.letsStatusGoBack), row.message.status == .delivered || row.message.status == .read,
            level == .server || level == .device
        {
            row.message.status = .sent
        }
        // Whatever it waited for, the provider has it.
        if row.message.status == .queued { becomeSent(submissionID: nil, messageID: nil) }
        switch level {
        case .pending: break
        case .server:
            guard row.message.status == .sent, row.message.acknowledgedAt == nil else { return }
            row.message.acknowledgedAt = moment
            row.message.updatedAt = now
            note(.acknowledged, at: moment, detail: detail)
        case .device, .read:
            guard row.message.status.mayBecome(level.status) else { return }
            row.message.status = level.status
            row.message.acknowledgedAt = row.message.acknowledgedAt ?? moment
            row.message.deliveredAt = row.message.deliveredAt ?? moment
            if level == .read { row.message.readAt = moment }
            row.message.updatedAt = now
            row.lookUp = nil
            note(level == .read ? .read : .delivered, at: moment, detail: detail)
            redactIfDone()
        case .failed: fail(ErrorReason(.failedByProvider, detail))
        }
    }

    /// Queues a dead-lettered message again. What the earlier send was called is forgotten: news of it would be taken for
    /// news of the new one.
    mutating func replay(_ correction: Correction, mayHaveBeenSent: Bool) {
        var corrected: [String] = []
        if let recipient = correction.recipient {
            row.message.recipient = recipient
            corrected.append("recipient")
        }
        if let payload = correction.payload {
            row.message.payload = payload
            corrected.append("payload")
        }
        if let expiresAt = correction.expiresAt {
            row.message.expiresAt = expiresAt
            corrected.append("expiry")
        }
        row.message.status = .queued
        row.message.attempts = 0
        row.message.errorReason = nil
        row.message.deadLetteredAt = nil
        row.message.failedAt = nil
        row.message.messageID = nil
        row.message.submissionID = nil
        row.message.sentAt = nil
        row.message.acknowledgedAt = nil
        row.message.deliveredAt = nil
        row.message.duplicateRisk = row.message.duplicateRisk || mayHaveBeenSent
        row.message.updatedAt = now
        row.lookUp = nil
        row.job = MemoryState.Job(
            state: .waiting, dueAt: max(now, row.message.sendAt ?? now), since: now, token: row.lastToken)
        note(.replayed, detail: corrected.isEmpty ? nil : "corrected: " + corrected.joined(separator: ", "))
    }

    /// The content of a message to redact goes once it is final, a dead letter's included.
    mutating func redactIfDone() {
        guard row.message.redact, row.message.status.isFinal else { return }
        row.message.payload.content = JSONObject()
    }
}
