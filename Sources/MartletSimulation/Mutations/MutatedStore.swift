import Martlet

/// A store with one mistake in it, as the node sees it.
struct MutatedStore: ForwardingStore {
    let base: any Store & Inbox
    let mutation: Mutation
    let agenda: Agenda

    func accept(_ batch: [AcceptanceRequest], now: Timestamp) async throws(StoreError) -> [AcceptanceResult] {
        switch mutation {
        case .acceptedBeforeStored:
            let base = base
            agenda.after(.milliseconds(20)) { _ = try? await base.accept(batch, now: now) }
            return batch.map { request in
                var message = request.message
                message.job = JobSnapshot(
                    state: .waiting, dueAt: max(now, message.sendAt ?? now), condition: nil, since: now)
                return .accepted(message)
            }
        case .idempotencyKeyIsDropped:
            return try await base.accept(
                batch.map { AcceptanceRequest(message: $0.message, idempotency: nil) }, now: now)
        default: return try await base.accept(batch, now: now)
        }
    }

    func claim(
        _ requests: [ClaimRequest], worker: String, now: Timestamp, leaseUntil: Timestamp
    ) async throws(StoreError) -> [ClaimBatch] {
        let batches = try await base.claim(requests, worker: worker, now: now, leaseUntil: leaseUntil)
        let claims = batches.flatMap(\.claims)
        guard !claims.isEmpty else { return batches }
        switch mutation {
        case .claimIsNotKept: _ = try await base.settle(claims.map { settlement(of: $0, .release) }, now: now)
        case .sentIsWrittenBeforeSending:
            let sent = Disposition.sent(submissionID: "?", messageID: nil, lookUpAt: nil)
            _ = try await base.settle(claims.map { settlement(of: $0, sent) }, now: now)
        default: break
        }
        return batches
    }

    private func settlement(of claim: Claim, _ disposition: Disposition) -> Settlement {
        Settlement(
            message: claim.message.id, token: claim.token, attempt: claim.attempt, report: nil, disposition: disposition
        )
    }

    func settle(_ batch: [Settlement], now: Timestamp) async throws(StoreError) -> [Message?] {
        guard mutation == .holdCountsAsAttempt else { return try await base.settle(batch, now: now) }
        let changed = batch.map { settlement in
            var settlement = settlement
            if case .hold(let until, _) = settlement.disposition { settlement.disposition = .retry(at: until) }
            return settlement
        }
        return try await base.settle(changed, now: now)
    }

    func recoverLeases(
        now: Timestamp, worker: String, includingUnexpired: Bool, decideAt: Timestamp, limit: Int
    ) async throws(StoreError) -> Int {
        switch mutation {
        case .leaseIsIgnored:
            try await base.recoverLeases(
                now: now, worker: "nobody", includingUnexpired: true, decideAt: decideAt, limit: limit)
        case .lostClaimsAreNotTakenOver: 0
        default:
            try await base.recoverLeases(
                now: now, worker: worker, includingUnexpired: includingUnexpired, decideAt: decideAt, limit: limit)
        }
    }

    func decide(_ decisions: [Decision], now: Timestamp) async throws(StoreError) -> [Message] {
        guard mutation == .holdIsSentAgain else { return try await base.decide(decisions, now: now) }
        let changed = decisions.map { decision in
            guard case .fail = decision.verdict else { return decision }
            return Decision(message: decision.message, verdict: .retry(at: now))
        }
        return try await base.decide(changed, now: now)
    }

    func append(_ batch: [InboxEntry]) async throws(StoreError) {
        guard mutation == .webhookAnsweredBeforeStored else { return try await base.append(batch) }
        let base = base
        agenda.after(.milliseconds(20)) { try? await base.append(batch) }
    }

    func lease(limit: Int, now: Timestamp, until: Timestamp) async throws(StoreError) -> [LeasedInboxEntry] {
        let entries = try await base.lease(limit: limit, now: now, until: until)
        if mutation == .webhookRemovedBeforeApplied, !entries.isEmpty {
            try await base.complete(entries.map(\.sequence))
        }
        return entries
    }
}
