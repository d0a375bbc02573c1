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
            for entry in state.leases.entries where state.rows[entry.id]?.job?.worker == worker {
                state.modify(entry.id, now: until) { $0.job?.leaseUntil = until }
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
                guard let row = state.rows[entry.id], let job = row.job else { continue }
                state.timelines[entry.id, default: []].append(
                    TimelineEvent(
                        id: state.identifiers.next(), messageID: entry.id, kind: .attempt, at: job.attemptStartedAt,
                        attempt: row.message.attempts + 1, outcome: "unknown",
                        error: "the worker stopped before it could say what came of it"))
                state.modify(entry.id, now: now) { row in
                    row.message.attempts += 1
                    row.job?.state = .unknown
                    row.job?.since = now
                    row.job?.decideAt = decideAt
                    row.job?.worker = nil
                }
            }
            return lost.count
        }
    }

    package func expire(now: Timestamp, limit: Int) async throws(StoreError) -> [Message] {
        try await perform(.expire) { state in
            state.expiries.due(now, limit: limit).compactMap { state.fail($0, ErrorReason(.expired), now: now) }
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
        for priority in Priority.allCases {
            while claims.count < request.limit, let next = lanes[request.channel]?[priority.rawValue].first,
                next.at <= now, let row = rows[next.id]
            {
                if let expiresAt = row.message.expiresAt, expiresAt <= now {
                    if let message = fail(next.id, ErrorReason(.expired), now: now) { expired.append(message) }
                } else if let interval = request.recipientInterval,
                    let last = recipientClaims[request.channel]?[row.message.recipient], last + interval > now
                {
                    modify(next.id, now: now) { row in
                        if row.job?.condition != .recipientPace { row.job?.since = now }
                        row.job?.condition = .recipientPace
                        row.job?.dueAt = last + interval
                    }
                } else if let claim = take(next.id, worker: worker, now: now, leaseUntil: leaseUntil) {
                    claims.append(claim)
                }
            }
        }
        return ClaimBatch(
            channel: request.channel, claims: claims, expired: expired,
            nextDueAt: lanes[request.channel]?.compactMap(\.first?.at).min())
    }

    private mutating func take(
        _ id: MessageID, worker: String, now: Timestamp, leaseUntil: Timestamp
    ) -> Claim? {
        guard
            let message = modify(
                id, now: now,
                { row in
                    guard var job = row.job else { return }
                    job.waitingSince = job.since
                    job.state = .claimed
                    job.since = now
                    job.token += 1
                    job.worker = worker
                    job.leaseUntil = leaseUntil
                    job.attemptStartedAt = now
                    row.job = job
                }), let token = rows[id]?.job?.token
        else { return nil }
        claimHistory[message.channelID, default: []].append(now)
        recipientClaims[message.channelID, default: [:]][message.recipient] = now
        return Claim(message: message, token: token)
    }

    fileprivate mutating func settle(_ settlement: Settlement, now: Timestamp) -> Message? {
        let id = settlement.message
        guard let row = rows[id], let job = row.job, job.state == .claimed, job.token == settlement.token else {
            return nil
        }
        if let report = settlement.report { record(report, settlement, wasHeld: job.condition?.isHeld ?? false) }
        switch settlement.disposition {
        case .sent(let submissionID, let messageID, let lookUpAt):
            return settleSent(id, submissionID: submissionID, messageID: messageID, lookUpAt: lookUpAt, now: now)
        case .retry(let at):
            return putBack(id, now: now, counts: true) { job in
                job.dueAt = at
                job.condition = .retrying
                job.since = now
            }
        case .hold(let until, let condition):
            if job.condition != condition { note(.held, id, at: now, detail: condition.rawValue) }
            return putBack(id, now: now, counts: false) { job in
                job.since = job.condition == condition ? job.waitingSince : now
                job.dueAt = until
                job.condition = condition
            }
        case .release:
            return putBack(id, now: now, counts: false) { $0.since = $0.waitingSince }
        case .unknown(let lookUpAt, let decideAt):
            return modify(id, now: now) { row in
                row.message.attempts += 1
                row.job?.state = .unknown
                row.job?.since = now
                row.job?.decideAt = decideAt
                row.job?.worker = nil
                row.lookUp = lookUpAt.map {
                    PlannedLookUp(purpose: .outcome, dueAt: $0, attemptStartedAt: job.attemptStartedAt)
                }
            }
        case .fail(let reason):
            modify(id, now: now) { $0.message.attempts += 1 }
            return fail(id, reason, now: now)
        }
    }

    private mutating func record(_ report: AttemptReport, _ settlement: Settlement, wasHeld: Bool) {
        if wasHeld {
            switch settlement.disposition {
            case .hold, .release: break
            default: note(.released, settlement.message, at: report.startedAt)
            }
        }
        timelines[settlement.message, default: []].append(
            TimelineEvent(
                id: identifiers.next(), messageID: settlement.message, kind: .attempt, at: report.startedAt,
                attempt: settlement.attempt, outcome: report.outcome.name, httpStatus: report.httpStatus,
                durationMilliseconds: Int(report.duration.milliseconds), error: report.outcome.detail))
    }

    private mutating func settleSent(
        _ id: MessageID, submissionID: String, messageID: String?, lookUpAt: Timestamp?, now: Timestamp
    ) -> Message? {
        modify(id, now: now) { row in
            row.message.attempts += 1
            row.message.status = .sent
            row.message.sentAt = now
            row.message.submissionID = submissionID
            let startedAt = row.job?.attemptStartedAt ?? now
            row.job = nil
            row.lookUp = lookUpAt.map {
                PlannedLookUp(
                    purpose: messageID == nil ? .identity : .acknowledgement, dueAt: $0, attemptStartedAt: startedAt)
            }
        }
        note(.sent, id, at: now)
        if let messageID { bind(id, to: messageID, now: now) }
        return message(id)
    }

    /// Makes a claimed job wait again. One whose channel is gone has nothing left to wait for.
    private mutating func putBack(
        _ id: MessageID, now: Timestamp, counts: Bool, _ change: (inout Job) -> Void
    ) -> Message? {
        let message = modify(id, now: now) { row in
            if counts { row.message.attempts += 1 }
            guard var job = row.job else { return }
            change(&job)
            job.state = .waiting
            job.worker = nil
            row.job = job
        }
        guard let message, deletedChannels.contains(message.channelID) else { return message }
        return fail(id, ErrorReason(.channelDeleted), now: now)
    }
}

extension Condition {
    /// Whether a settlement put the message on hold and said so in its timeline. Pacing is too ordinary for an entry.
    fileprivate var isHeld: Bool { rawValue.hasPrefix("held: ") && self != .recipientPace }
}
