extension MessageChange {
    /// A worker takes the job.
    package mutating func claim(worker: String, leaseUntil: Timestamp) {
        guard var job = after.job else { return }
        job.state = .claimed
        job.token += 1
        job.worker = worker
        job.leaseUntil = leaseUntil
        job.attemptStartedAt = now
        if job.isHeld {
            job.isHeld = false
            note(.released)
        }
        after.job = job
    }

    /// Stores what came of a claim. False, and nothing changes, when the claim is not the job's newest.
    package mutating func settle(_ settlement: Settlement) -> Bool {
        guard let job = after.job, job.token == settlement.token else { return false }
        let startedAt = settlement.report?.startedAt ?? job.attemptStartedAt ?? now
        switch (job.state, settlement.disposition) {
        case (.claimed, _): break
        case (.unknown, .sent(let submissionID, let messageID, let lookUpAt)):
            // A worker that was thought dead was only slow: what it knows is better than any guess. The attempt is in
            // the timeline and counted already.
            finishSending(submissionID, messageID, lookUpAt: lookUpAt, startedAt: startedAt)
            return true
        default: return false
        }
        if let report = settlement.report { note(report, attempt: settlement.attempt) }
        switch settlement.disposition {
        case .sent(let submissionID, let messageID, let lookUpAt):
            countAttempt()
            finishSending(submissionID, messageID, lookUpAt: lookUpAt, startedAt: startedAt)
        case .retry(let at):
            countAttempt()
            retry(at: at)
        case .hold(let until, let condition):
            hold(until: until, condition)
        case .unknown(let lookUpAt, let decideAt):
            countAttempt()
            awaitDecision(lookUpAt: lookUpAt, decideAt: decideAt, startedAt: startedAt)
        case .fail(let reason):
            // Without a report nothing was tried: an expiry found just before the attempt, for one.
            if settlement.report != nil { countAttempt() }
            fail(reason)
        case .release:
            after.job?.state = .waiting
            after.job?.worker = nil
            after.job?.leaseUntil = nil
        }
        return true
    }

    /// A dead worker's claim: it may have sent.
    package mutating func loseWorker(decideAt: Timestamp) {
        guard let job = after.job, job.state == .claimed else { return }
        let startedAt = job.attemptStartedAt ?? now
        note(
            AttemptReport(
                outcome: .unknown(detail: "worker lost"), httpStatus: nil, startedAt: startedAt,
                duration: max(.zero, now - startedAt)),
            attempt: after.message.attempts + 1)
        countAttempt()
        awaitDecision(lookUpAt: nil, decideAt: decideAt, startedAt: startedAt)
    }

    /// Puts the job back without counting an attempt. The timeline says `held` once for as long as the reason stays the
    /// same.
    package mutating func hold(until: Timestamp, _ condition: Condition) {
        guard var job = after.job else { return }
        job.state = .waiting
        job.dueAt = until
        job.worker = nil
        job.leaseUntil = nil
        if job.condition != condition {
            job.condition = condition
            job.since = now
            job.isHeld = true
            note(.held, detail: condition.rawValue)
        }
        after.job = job
        after.message.updatedAt = now
    }

    /// Puts the job back for another attempt.
    package mutating func retry(at: Timestamp) {
        guard var job = after.job else { return }
        job.state = .waiting
        job.dueAt = at
        job.condition = .retrying
        job.since = now
        job.worker = nil
        job.leaseUntil = nil
        job.isHeld = false
        after.job = job
        after.message.updatedAt = now
    }

    /// Decides on a message whose outcome is unknown. False, and nothing changes, when that is settled already.
    package mutating func decide(_ verdict: Decision.Verdict) -> Bool {
        guard after.job?.state == .unknown else { return false }
        lookUp = .remove
        switch verdict {
        case .sent(let messageID): becomeSent(submissionID: nil, messageID: messageID)
        case .retry(let at):
            after.message.duplicateRisk = true
            retry(at: at)
        case .fail(let reason): fail(reason)
        }
        return true
    }

    /// Queues a dead-lettered message again. What the old send was called is forgotten: news of it would be taken for
    /// news of the new one. False, and nothing changes, when it is no dead letter, or when nothing is left to send.
    /// - Parameters:
    ///   - isErased: what the message said has been redacted; it can be sent again with other content only.
    ///   - wasUnknown: there is an attempt whose outcome was unknown.
    package mutating func replay(_ correction: Correction, isErased: Bool, wasUnknown: Bool) -> Bool {
        guard after.message.deadLetteredAt != nil, !isErased || correction.payload != nil else { return false }
        // What the provider took and then gave up on is known; an attempt of which nothing was ever heard is not.
        let mayHaveBeenSent = after.message.sentAt == nil && wasUnknown
        var corrected: [String] = []
        if let recipient = correction.recipient {
            after.message.recipient = recipient
            corrected.append("recipient")
        }
        if let payload = correction.payload {
            after.message.payload = payload
            self.payload = .replace(payload)
            corrected.append("payload")
        }
        if let expiresAt = correction.expiresAt {
            after.message.expiresAt = expiresAt
            corrected.append("expiry")
        }
        after.message.status = .queued
        after.message.attempts = 0
        after.message.errorReason = nil
        after.message.failedAt = nil
        after.message.deadLetteredAt = nil
        after.message.messageID = nil
        after.message.submissionID = nil
        after.message.sentAt = nil
        after.message.acknowledgedAt = nil
        after.message.deliveredAt = nil
        after.message.duplicateRisk = after.message.duplicateRisk || mayHaveBeenSent
        after.message.updatedAt = now
        after.job = Job(
            dueAt: max(now, after.message.sendAt ?? now), token: after.claimToken, since: now)
        note(.replayed, detail: corrected.isEmpty ? nil : "corrected: \(corrected.joined(separator: ", "))")
        return true
    }

    private mutating func finishSending(
        _ submissionID: String, _ messageID: String?, lookUpAt: Timestamp?, startedAt: Timestamp
    ) {
        lookUp = .remove
        if let lookUpAt {
            lookUp = .schedule(
                messageID == nil ? .identity : .acknowledgement, at: lookUpAt, tries: 0, attemptStartedAt: startedAt)
        }
        becomeSent(submissionID: submissionID, messageID: messageID)
    }

    private mutating func awaitDecision(lookUpAt: Timestamp?, decideAt: Timestamp, startedAt: Timestamp) {
        guard var job = after.job else { return }
        job.state = .unknown
        job.dueAt = decideAt
        job.condition = nil
        job.since = now
        job.attemptStartedAt = startedAt
        job.worker = nil
        job.leaseUntil = nil
        job.isHeld = false
        after.job = job
        after.message.updatedAt = now
        lookUp = .remove
        if let lookUpAt { lookUp = .schedule(.outcome, at: lookUpAt, tries: 0, attemptStartedAt: startedAt) }
    }

    private mutating func countAttempt() {
        after.message.attempts += 1
        after.message.updatedAt = now
    }

    private mutating func note(_ report: AttemptReport, attempt: Int) {
        note(
            Entry(
                kind: .attempt, at: report.startedAt, attempt: attempt, outcome: report.outcome.name,
                httpStatus: report.httpStatus, durationMilliseconds: Int(report.duration.milliseconds),
                error: report.outcome.detail))
    }
}
