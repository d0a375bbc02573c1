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
            for entry in Array(state.leases.entries) {
                guard var row = state.rows[entry.id], row.job?.worker == worker else { continue }
                row.record.job?.leaseUntil = until
                state.put(row, for: entry.id)
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
            for entry in lost { state.change(entry.id, now: now) { $0.loseWorker(decideAt: decideAt) } }
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
        var settlement = settlement
        if flaws.contains(.takesAnyToken), let token = rows[settlement.message]?.job?.token { settlement.token = token }
        var isSettled = false
        let message = change(settlement.message, now: now) { isSettled = $0.settle(settlement) }
        return isSettled ? message : nil
    }
}
