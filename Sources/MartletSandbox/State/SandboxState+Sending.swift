extension SandboxState {
    /// Decides about a send, at the moment it was received.
    ///
    /// Counted against the limit is whatever the limiter lets through, also what is then refused or struck by a
    /// fault; a fault strikes only what the limiter let through.
    ///
    /// - Parameters:
    ///   - key: the API key, or why there is none.
    ///   - submission: what was read from the body; `nil` when it breaks the wire format's rules.
    ///   - recipient: whom it goes to, also when the body breaks other rules; faults are aimed by it.
    mutating func admit(
        key: Result<String, KeyRefusal>, submission: Submission?, recipient: String?, at now: SandboxInstant
    ) -> Admission {
        counts.received += 1
        let admission = judge(key: key, submission: submission, recipient: recipient, at: now)
        // A fault may have struck for the last time just now.
        if !faults.entries.isEmpty { sweepFaults(at: now) }
        return admission
    }

    private mutating func judge(
        key: Result<String, KeyRefusal>, submission: Submission?, recipient: String?, at now: SandboxInstant
    ) -> Admission {
        let id: Int
        switch session(for: key, at: now) {
        case .success(let found): id = found
        case .failure(let refusal):
            counts.refusedUnauthorized += 1
            return Admission(outcome: .unauthorized(refusal))
        }
        // The session is taken out and put back, so that its arrays are changed in place, not copied.
        guard var session = sessions.removeValue(forKey: id) else {
            preconditionFailure("a key leads to a session")
        }
        defer { sessions[id] = session }

        let limits = session.limits(under: configuration)
        session.lastActiveAt = now
        if let refusal = session.window.refusal(under: limits, at: now.nanoseconds) {
            counts.refusedByLimit += 1
            session.refusedByLimit += 1
            return Admission(
                outcome: .limited(refusal, isAccountProtection: session.settings.accountProtection),
                reading: session.window.reading(under: limits, at: now.nanoseconds))
        }
        session.window.count(at: now.nanoseconds)
        let reading = session.window.reading(under: limits, at: now.nanoseconds)

        var delay: Duration = .zero
        var silently: (effect: FaultEffect, outcome: LedgerEntry.Outcome)?
        let struck = faults.strike(
            key: session.apiKey, recipient: recipient, at: now.nanoseconds, random: &random,
            where: { $0.path == .send }, until: { $0.kind != .slow })
        for entry in struck {
            let fault = entry.fault
            if fault.kind == .slow {
                delay += fault.delay
            } else if fault.kind == .sessionDown {
                counts.refusedByFault += 1
                return Admission(outcome: .sessionDown, reading: reading, delay: delay)
            } else if let outcome = fault.acceptedOutcome {
                silently = (fault.effect(id: entry.id), outcome)
            } else {
                counts.refusedByFault += 1
                return Admission(outcome: .struck(fault.effect(id: entry.id)), reading: reading, delay: delay)
            }
        }
        if session.status != .connected {
            counts.refusedSessionDown += 1
            return Admission(outcome: .sessionDown, reading: reading, delay: delay)
        }
        guard let submission else {
            counts.refusedInvalid += 1
            return Admission(outcome: .invalid, reading: reading, delay: delay)
        }
        let purpose = PurposefulNumber(recipient: submission.to, prefix: configuration.purposefulPrefix)
        if purpose == .unknown {
            counts.refusedInvalid += 1
            return Admission(outcome: .unknownRecipient, reading: reading, delay: delay)
        }
        let accepted = accept(
            submission, purpose: purpose, outcome: silently?.outcome ?? .accepted, session: &session, at: now)
        return Admission(
            outcome: silently.map { .acceptedSilently($0.effect) } ?? .accepted(messageID: accepted.messageID),
            reading: reading, delay: delay, hurried: accepted.hurried)
    }

    /// Enters a send in the ledger and begins its course.
    ///
    /// - Returns: its number, and the events that go out before the answer.
    private mutating func accept(
        _ submission: Submission, purpose: PurposefulNumber?, outcome: LedgerEntry.Outcome,
        session: inout SandboxSession, at now: SandboxInstant
    ) -> (messageID: Int, hurried: [AddressedEvent]) {
        let messageID = ledger.nextMessageID
        var entry = LedgerEntry(
            sequence: ledger.nextSequence, receivedAt: now, key: session.apiKey, to: submission.to,
            text: submission.text, body: submission.body, messageID: messageID, outcome: outcome, session: session.id,
            kind: submission.kind, fingerprint: submission.fingerprint,
            course: purpose?.course ?? ordinaryCourse(), courseStart: now.nanoseconds)
        // Which of a message's webhooks are out of turn is decided once, for all of them.
        let outOfTurn = faults.strike(
            key: session.apiKey, recipient: submission.to, at: now.nanoseconds, random: &random,
            where: { $0.kind == .webhookReorder || $0.kind == .webhookBeforeResponse }, until: { _ in false })
        entry.isReversed = outOfTurn.contains { $0.fault.kind == .webhookReorder }
        entry.isHurried = outOfTurn.contains { $0.fault.kind == .webhookBeforeResponse }

        counts.accepted += 1
        session.accepted += 1
        session.record.count(at: now.nanoseconds)
        session.messages.append(messageID)
        var hurried: [AddressedEvent] = []
        if entry.isHurried {
            let stages = entry.course.stages
            entry.stagesDone = stages.count
            let groups = stages.map { stage in
                entry.status = stage.status
                return addressed(events(of: entry, at: stage), of: entry, session: session, at: now)
            }
            hurried = (entry.isReversed ? groups.reversed() : groups).flatMap(\.self)
        } else {
            setTimerForNextStage(of: entry)
        }
        if ledger.append(entry) { counts.duplicates += 1 }
        return (messageID, hurried)
    }

    /// The next stage of a message has come.
    mutating func advance(message messageID: Int, at now: SandboxInstant) {
        let advanced = ledger.update(message: messageID) { entry -> (LedgerEntry, MessageStage, Bool)? in
            let stages = entry.course.stages
            guard entry.stagesDone < stages.count else { return nil }
            let stage = stages[entry.stagesDone]
            entry.stagesDone += 1
            entry.status = stage.status
            return (entry, stage, entry.stagesDone == stages.count)
        }
        guard let advanced, let (entry, stage, isLast) = advanced else { return }
        setTimerForNextStage(of: entry)
        guard let session = sessions[entry.session], !entry.isDeleted else { return }
        if !entry.isReversed {
            work.events += addressed(events(of: entry, at: stage), of: entry, session: session, at: now)
        } else if isLast {
            for stage in entry.course.stages.reversed() {
                work.events += addressed(events(of: entry, at: stage), of: entry, session: session, at: now)
            }
        }
    }

    /// Begins the course of a failed message again.
    ///
    /// - Returns: whether there is such a message of this session, it has failed, and the session logs messages.
    mutating func resend(message messageID: Int, session id: Int, at now: SandboxInstant) -> Bool {
        guard let session = sessions[id], session.settings.logMessages,
            let entry = ledger.entry(ofMessage: messageID), entry.session == id, entry.status == 0
        else { return false }
        let begun = ledger.update(message: messageID) { entry in
            entry.status = 1
            entry.stagesDone = 0
            entry.courseStart = now.nanoseconds
            return entry
        }
        if let begun { setTimerForNextStage(of: begun) }
        return true
    }

    /// A message of a session; `nil` when it is another session's, deleted, or none at all.
    func message(_ messageID: Int, session: Int) -> LedgerEntry? {
        ledger.entry(ofMessage: messageID).flatMap { $0.session == session && !$0.isDeleted ? $0 : nil }
    }

    /// Replaces the text of a message.
    mutating func edit(message messageID: Int, session: Int, text: String) -> LedgerEntry? {
        guard message(messageID, session: session) != nil else { return nil }
        return ledger.update(message: messageID) { entry in
            entry.text = text
            return entry
        }
    }

    /// Deletes a message for everybody, and tells so by webhook.
    mutating func delete(message messageID: Int, session id: Int, at now: SandboxInstant) -> Bool {
        guard let entry = message(messageID, session: id), let session = sessions[id] else { return false }
        _ = ledger.update(message: messageID) { $0.isDeleted = true }
        work.events += addressed([.messageDeleted(facts(of: entry))], of: entry, session: session, at: now)
        return true
    }

    private mutating func ordinaryCourse() -> MessageCourse {
        let acknowledgements = configuration.acknowledgements
        guard acknowledgements.deliveredShare < 1 || acknowledgements.readShare < 1 else { return .full }
        if Double.random(in: 0..<1, using: &random) >= acknowledgements.deliveredShare { return .sentOnly }
        return Double.random(in: 0..<1, using: &random) < acknowledgements.readShare ? .full : .unread
    }

    private mutating func setTimerForNextStage(of entry: LedgerEntry) {
        let stages = entry.course.stages
        guard entry.stagesDone < stages.count else { return }
        let delay =
            switch stages[entry.stagesDone] {
            case .sent, .failed: configuration.acknowledgements.sent
            case .delivered: configuration.acknowledgements.delivered
            case .read: configuration.acknowledgements.read
            }
        setTimer(.message(entry.messageID), at: entry.courseStart + delay.nanosecondsRounded)
    }
}

extension MessageStage {
    /// The acknowledgement it means.
    var status: Int {
        switch self {
        case .failed: 0
        case .sent: 2
        case .delivered: 3
        case .read: 4
        }
    }
}
