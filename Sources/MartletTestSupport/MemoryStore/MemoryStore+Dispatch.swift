import Martlet

extension MemoryStore: DispatchQueue {
    package func nextDue() async throws(StoreError) -> [ChannelID: Timestamp] {
        try await perform(.nextDue) { state in
            state.lanes.compactMapValues { lanes in lanes.compactMap(\.first?.at).min() }
        }
    }

    package func claim(
        _ requests: [ClaimRequest], worker: String, now: Timestamp, leaseUntil: Timestamp
    ) async throws(StoreError) -> [ClaimBatch] {
        try await perform(.claim) { state in
            requests.map { state.claim($0, worker: worker, now: now, leaseUntil: leaseUntil) }
        }
    }

    package func settle(_ batch: [Settlement], now: Timestamp) async throws(StoreError) -> [Message?] {
        try await perform(.settle) { state in batch.map { state.settle($0, now: now) } }
    }

    package func renewLeases(worker: String, until: Timestamp) async throws(StoreError) {
        try await perform(.renewLeases) { state in
            for entry in Array(state.leases.entries) where state.rows[entry.id]?.job?.worker == worker {
                state.change(entry.id, now: until) { $0.row.job?.leaseUntil = until }
            }
        }
    }

    package func recoverLeases(
        now: Timestamp, worker: String, includingUnexpired: Bool, decideAt: Timestamp, limit: Int
    ) async throws(StoreError) -> Int {
        try await perform(.recoverLeases) { state in
            let lost = state.leases.entries.filter { entry in
                (includingUnexpired || entry.at <= now) && state.rows[entry.id]?.job?.worker != worker
            }
            .prefix(limit)
            for entry in lost {
                state.change(entry.id, now: now) { transition in
                    let startedAt = transition.row.job?.attemptStartedAt ?? now
                    transition.note(
                        AttemptReport(
                            outcome: .unknown(detail: "worker lost"), httpStatus: nil, startedAt: startedAt,
                            duration: max(.zero, now - startedAt)),
                        attempt: transition.row.message.attempts + 1)
                    transition.countAttempt()
                    transition.awaitDecision(lookUpAt: nil, decideAt: decideAt, startedAt: startedAt)
                }
            }
            return lost.count
        }
    }

    package func expire(now: Timestamp, limit: Int) async throws(StoreError) -> [Message] {
        try await perform(.expire) { state in
            if state.flaws.contains(.ignoresExpiry) { return [] }
            return state.expiries.due(now, limit: limit).compactMap { id in
                state.change(id, now: now) { $0.fail(ErrorReason(.expired)) }
            }
        }
    }

    package func claimHistory(
        channel: ChannelID, since: Timestamp, limit: Int
    ) async throws(StoreError) -> [Timestamp] {
        try await perform(.claimHistory) { state in
            Array((state.claimHistory[channel] ?? []).filter { $0 >= since }.suffix(limit))
        }
    }
}

extension MemoryState {
    fileprivate mutating func claim(
        _ request: ClaimRequest, worker: String, now: Timestamp, leaseUntil: Timestamp
    ) -> ClaimBatch {
        var claims: [Claim] = []
        var expired: [Message] = []
        for priority in flaws.contains(.ignoresPriority) ? Priority.allCases.reversed() : Priority.allCases {
            while claims.count < request.limit, let next = lanes[request.channel]?[priority.rawValue].first,
                next.at <= now, let row = rows[next.id]
            {
                if let expiresAt = row.message.expiresAt, expiresAt <= now, !flaws.contains(.ignoresExpiry) {
                    let message = change(next.id, now: now) { $0.fail(ErrorReason(.expired)) }
                    if let message { expired.append(message) }
                } else if let interval = request.recipientInterval, let until = paced(row.message, interval, now: now) {
                    change(next.id, now: now) { $0.hold(until: until, .recipientPace) }
                } else if let claim = take(next.id, worker: worker, now: now, leaseUntil: leaseUntil) {
                    if request.recipientInterval != nil, !flaws.contains(.forgetsRecipients) {
                        recipientClaims[request.channel, default: [:]][row.message.recipient] = now
                    }
                    claims.append(claim)
                }
            }
        }
        return ClaimBatch(
            channel: request.channel, claims: claims, expired: expired,
            nextDueAt: lanes[request.channel]?.compactMap(\.first?.at).min())
    }

    /// Until when the message must wait for its recipient's sake; nil when it may go. Those that are put off get one slot
    /// each, one interval apart, behind the recipient's others of the same priority.
    private func paced(_ message: Message, _ interval: Duration, now: Timestamp) -> Timestamp? {
        guard let last = recipientClaims[message.channelID]?[message.recipient], last + interval > now else {
            return nil
        }
        let lane = lanes[message.channelID]?[message.priority.rawValue].entries ?? []
        let lastSlot = lane.reduce(last) { slot, entry in
            guard let row = rows[entry.id], row.message.recipient == message.recipient,
                row.job?.condition == .recipientPace
            else { return slot }
            return max(slot, entry.at)
        }
        return lastSlot + interval
    }

    private mutating func take(
        _ id: MessageID, worker: String, now: Timestamp, leaseUntil: Timestamp
    ) -> Claim? {
        guard let message = change(id, now: now, { $0.claim(worker: worker, leaseUntil: leaseUntil) }),
            let token = rows[id]?.job?.token
        else { return nil }
        claimHistory[message.channelID, default: []].append(now)
        return Claim(message: message, token: token)
    }

    fileprivate mutating func settle(_ settlement: Settlement, now: Timestamp) -> Message? {
        guard let job = rows[settlement.message]?.job,
            job.token == settlement.token || flaws.contains(.takesAnyToken)
        else { return nil }
        switch (job.state, settlement.disposition) {
        case (.claimed, _):
            return change(settlement.message, now: now) { transition in
                if let report = settlement.report { transition.note(report, attempt: settlement.attempt) }
                transition.settle(settlement, startedAt: settlement.report?.startedAt ?? job.attemptStartedAt)
            }
        case (.unknown, .sent(let submissionID, let messageID, let lookUpAt)):
            // The worker was slow, not dead. The attempt is in the timeline and counted already.
            let startedAt = settlement.report?.startedAt ?? job.attemptStartedAt
            return change(settlement.message, now: now) { transition in
                transition.finishSending(submissionID, messageID, lookUpAt: lookUpAt, startedAt: startedAt)
            }
        default: return nil
        }
    }
}

extension Transition {
    fileprivate mutating func settle(_ settlement: Settlement, startedAt: Timestamp) {
        switch settlement.disposition {
        case .sent(let submissionID, let messageID, let lookUpAt):
            countAttempt()
            finishSending(submissionID, messageID, lookUpAt: lookUpAt, startedAt: startedAt)
        case .retry(let moment):
            countAttempt()
            retry(at: moment)
        case .hold(let until, let condition):
            hold(until: until, condition)
        case .release:
            release()
        case .unknown(let lookUpAt, let decideAt):
            countAttempt()
            awaitDecision(lookUpAt: lookUpAt, decideAt: decideAt, startedAt: startedAt)
        case .fail(let reason):
            if settlement.report != nil { countAttempt() }
            fail(reason)
        }
    }

    fileprivate mutating func finishSending(
        _ submissionID: String, _ messageID: String?, lookUpAt: Timestamp?, startedAt: Timestamp
    ) {
        row.lookUp = lookUpAt.map {
            MemoryState.PlannedLookUp(
                purpose: messageID == nil ? .identity : .acknowledgement, dueAt: $0, attemptStartedAt: startedAt)
        }
        becomeSent(submissionID: submissionID, messageID: messageID)
    }
}
