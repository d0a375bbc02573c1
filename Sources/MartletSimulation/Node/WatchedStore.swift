import Martlet
import MartletTestSupport

/// What one node does to the store, written into the trace at the moment it is stored, whether or not the node lives to
/// hear of it, and checked where only the moment itself tells what is right.
struct WatchedStore: ForwardingStore {
    /// The node's connection, which its lifeline stands around.
    let connection: MemoryStore
    /// Another one, which nothing hinders.
    let data: MemoryStore
    let lifeline: Lifeline
    let log: RunLog
    let trace: Trace

    var base: any Store & Inbox { connection }
    private var incarnation: Int { lifeline.incarnation }

    private func watching<Result>(
        _ operation: MemoryStoreOperation, _ body: () async throws(StoreError) -> Result
    ) async throws(StoreError) -> Result {
        try await lifeline.before(operation)
        let result = try await body()
        try await lifeline.after(operation)
        return result
    }

    func claim(
        _ requests: [ClaimRequest], worker: String, now: Timestamp, leaseUntil: Timestamp
    ) async throws(StoreError) -> [ClaimBatch] {
        try await watching(.claim) { () async throws(StoreError) -> [ClaimBatch] in
            let batches = try await data.claim(requests, worker: worker, now: now, leaseUntil: leaseUntil)
            for batch in batches where !batch.claims.isEmpty || !batch.expired.isEmpty {
                let claimed = batch.claims.map { "\($0.message.id.short)/\($0.attempt)" }.joined(separator: " ")
                trace.note(
                    "node \(incarnation) claims on \(batch.channel.short): \(claimed), \(batch.expired.count) expired")
                check(batch, now: now)
            }
            log.claimed(batches.flatMap(\.claims), by: incarnation)
            return batches
        }
    }

    /// High goes first: nothing waits and is due in a channel of which something less urgent was claimed.
    private func check(_ batch: ClaimBatch, now: Timestamp) {
        guard let lowest = batch.claims.map(\.message.priority.rawValue).max(), lowest > Priority.high.rawValue else {
            return
        }
        let overtaken = data.allMessages.first { message in
            guard message.channelID == batch.channel, let job = message.job, job.state == .waiting else { return false }
            // What came while the claim was under way is no concern of it.
            return job.dueAt <= now && message.createdAt < now - .milliseconds(500)
                && job.since <= now - .milliseconds(500)
                && message.priority.rawValue < lowest && (message.expiresAt ?? now + .seconds(1)) > now
        }
        if let overtaken {
            log.violation("\(overtaken.id.short) waits while something less urgent of its channel was claimed")
        }
    }

    func settle(_ batch: [Settlement], now: Timestamp) async throws(StoreError) -> [Message?] {
        try await watching(.settle) { () async throws(StoreError) -> [Message?] in
            let results = try await data.settle(batch, now: now)
            for (settlement, result) in zip(batch, results) {
                if result != nil { log.settled(settlement.message, token: settlement.token) }
                let outcome = result == nil ? "not taken" : "taken"
                trace.note(
                    "node \(incarnation) settles \(settlement.message.short)/\(settlement.attempt) as \(settlement.disposition.label): \(outcome)"
                )
            }
            return results
        }
    }

    func renewLeases(worker: String, until: Timestamp) async throws(StoreError) {
        log.renewing(incarnation)
        try await connection.renewLeases(worker: worker, until: until)
        log.renewed(incarnation)
    }

    func recoverLeases(
        now: Timestamp, worker: String, includingUnexpired: Bool, decideAt: Timestamp, limit: Int
    ) async throws(StoreError) -> Int {
        try await watching(.recoverLeases) { () async throws(StoreError) -> Int in
            let count = try await data.recoverLeases(
                now: now, worker: worker, includingUnexpired: includingUnexpired, decideAt: decideAt, limit: limit)
            if count > 0 {
                trace.note("node \(incarnation) takes over \(count) claims")
                let unknown = data.allMessages.filter { $0.job?.state == .unknown }.map(\.id)
                log.recovered(count, unknownNow: Set(unknown))
            }
            return count
        }
    }

    func expire(now: Timestamp, limit: Int) async throws(StoreError) -> [Message] {
        try await watching(.expire) { () async throws(StoreError) -> [Message] in
            let expired = try await data.expire(now: now, limit: limit)
            for message in expired { trace.note("\(message.id.short) expires") }
            return expired
        }
    }

    func decide(_ decisions: [Decision], now: Timestamp) async throws(StoreError) -> [Message] {
        try await watching(.decide) { () async throws(StoreError) -> [Message] in
            let changed = try await data.decide(decisions, now: now)
            for decision in decisions {
                trace.note("node \(incarnation) decides on \(decision.message.short): \(decision.verdict)")
            }
            return changed
        }
    }

    func settleLookUps(_ batch: [LookUpSettlement], now: Timestamp) async throws(StoreError) -> [Message] {
        try await watching(.settleLookUps) { () async throws(StoreError) -> [Message] in
            let changed = try await data.settleLookUps(batch, now: now)
            for message in changed { trace.note("\(message.id.short) is \(message.status) by look-up") }
            return changed
        }
    }

    func apply(_ acknowledgements: [Acknowledgement], now: Timestamp) async throws(StoreError) -> [Message] {
        try await watching(.apply) { () async throws(StoreError) -> [Message] in
            let changed = try await data.apply(acknowledgements, now: now)
            for message in changed { trace.note("\(message.id.short) is \(message.status) by webhook") }
            return changed
        }
    }
}

extension Disposition {
    /// A word for the trace.
    var label: String {
        switch self {
        case .sent(let submission, _, _): "sent as \(submission)"
        case .retry: "to retry"
        case .hold(_, let condition): condition.rawValue
        case .unknown: "unknown"
        case .fail(let reason): "failed, \(reason)"
        case .release: "released"
        }
    }
}
