import Martlet

extension Judge {
    /// Accepted = sent or final + dead-lettered + waiting, and after a quiet end nothing waits.
    func conservation(_ cases: [Case]) {
        let known = Dictionary(uniqueKeysWithValues: cases.map { ($0.message.id, $0.message) })
        for id in world.clients.promised where known[id] == nil {
            violation("\(id.short) was accepted and is not there")
        }
        guard isQuiet else { return }
        for one in cases where one.message.status == .queued {
            violation("\(one.message.id.short) is still queued: \(one.message.job.map { "\($0)" } ?? "without a job")")
        }
        for one in cases where one.message.job != nil && one.message.status != .queued {
            violation("\(one.message.id.short) is \(one.message.status) and has a job")
        }
    }

    /// Whoever fails has a reason that holds.
    func reasons(_ one: Case) {
        let message = one.message
        let name = message.id.short
        guard message.status == .failed else {
            if message.errorReason != nil { violation("\(name) is \(message.status) and has an error reason") }
            if message.deadLetteredAt != nil { violation("\(name) is \(message.status) and dead-lettered") }
            return
        }
        guard let reason = message.errorReason else { return violation("\(name) failed without a reason") }
        let code = String(reason.prefix { $0 != ":" })
        let isSilent = ["expired", "cancelled", "recipient_opted_out"].contains(code)
        if isSilent, message.deadLetteredAt != nil { violation("\(name) is \(code) and dead-lettered") }
        if !isSilent, message.deadLetteredAt == nil, !world.clients.discardAsked.contains(message.id) {
            violation("\(name) failed as \(code) and is not among the dead letters")
        }
        switch code {
        case "invalid_recipient":
            if one.arrivals.last?.verdict != .rejected {
                violation("\(name) was not refused by the provider: \(reason)")
            }
        case "attempts_exhausted":
            if message.attempts != world.scenario.configuration.retry.attemptsMax {
                violation("\(name) is exhausted after \(message.attempts) attempts")
            }
        case "outcome_unknown":
            if message.onUnknown != .hold { violation("\(name) is held, and its policy is to retry") }
            if one.unknownAttempts == 0 { violation("\(name) has no attempt whose outcome is unknown") }
        case "failed_by_provider":
            if one.acceptances.isEmpty { violation("\(name) failed at a provider that never took it") }
        case "expired":
            if message.expiresAt == nil { violation("\(name) expired and had no expiry") }
        case "cancelled":
            if !world.clients.cancelAsked.contains(message.id) { violation("\(name) was cancelled by nobody") }
        default: violation("\(name) failed for an unexpected reason: \(reason)")
        }
    }

    /// Attempts are counted as the timeline shows them, never above the schedule; waiting costs none.
    func attempts(_ one: Case) {
        let message = one.message
        let name = message.id.short
        let attemptsMax = world.scenario.configuration.retry.attemptsMax
        var counted = 0
        for event in one.timeline {
            switch event.kind {
            case .replayed: counted = 0
            case .attempt:
                let isCounted = ["accepted", "rejected", "transient", "unknown"].contains(event.outcome ?? "")
                if event.attempt != counted + 1 {
                    violation("\(name) has attempt \(event.attempt ?? 0) after \(counted) that count")
                }
                if isCounted { counted += 1 }
            default: break
            }
        }
        if message.attempts != counted {
            violation("\(name) says \(message.attempts) attempts, its timeline \(counted)")
        }
        if counted > attemptsMax { violation("\(name) was tried \(counted) times of \(attemptsMax)") }
        let attempts = one.timeline.filter { $0.kind == .attempt }.count
        if one.acceptances.count > attempts {
            violation("\(name) was taken \(one.acceptances.count) times and has \(attempts) attempts in its timeline")
        }
    }

    /// The timeline begins with the acceptance, moves forward, and ends where the message stands.
    func history(_ one: Case) {
        let message = one.message
        let name = message.id.short
        guard one.timeline.first?.kind == .accepted, one.timeline.filter({ $0.kind == .accepted }).count == 1 else {
            return violation("\(name) has a timeline that does not begin with its acceptance")
        }
        var status = MessageStatus.queued
        for event in one.timeline {
            let next: MessageStatus? =
                switch event.kind {
                case .sent: .sent
                case .delivered: .delivered
                case .read: .read
                case .failed, .expired, .cancelled: .failed
                default: nil
                }
            if event.kind == .replayed {
                if status != .failed { violation("\(name) was replayed while \(status)") }
                status = .queued
            } else if event.kind == .attempt, status != .queued {
                violation("\(name) was tried while \(status)")
            } else if let next {
                if !status.mayBecome(next) { violation("\(name) went from \(status) to \(next)") }
                status = next
            }
        }
        if status != message.status { violation("\(name) is \(message.status), its timeline ends with \(status)") }
        if message.status == .read, message.deliveredAt == nil { violation("\(name) was read and never delivered") }
        if isQuiet, message.redact, message.status.isFinal, message.deadLetteredAt == nil,
            !message.payload.content.isEmpty
        {
            violation("\(name) is final and its words are still there")
        }
    }

    /// Nothing is sent before its time or after its expiry, by the clock of the node that sent it.
    func times(_ one: Case) {
        // What a replay corrects is another message in this respect.
        guard one.replays == 0 else { return }
        for arrival in one.arrivals {
            // A clock that was set back makes a second attempt look too early.
            if let sendAt = one.message.sendAt, arrival.calledAtWall < sendAt, world.log.counts.jumps == 0 {
                violation("\(one.message.id.short) was sent before its time")
            }
            if let expiresAt = one.message.expiresAt, arrival.calledAtWall > expiresAt + .milliseconds(500),
                !world.log.hasForwardJump(between: arrival.calledAt - .seconds(1), and: arrival.at)
            {
                violation("\(one.message.id.short) was sent after its expiry")
            }
        }
    }

    /// The risk of a duplicate is told where it exists, and only there.
    func cause(_ one: Case) {
        if one.message.duplicateRisk, one.unknownAttempts == 0 {
            violation("\(one.message.id.short) carries the risk of a duplicate, and every outcome was known")
        }
    }
}

extension MonotonicInstant {
    static func - (left: Self, right: Duration) -> Self { left + (.zero - right) }
}
