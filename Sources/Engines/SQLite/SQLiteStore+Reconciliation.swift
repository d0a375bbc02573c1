import GRDB
import Martlet

extension SQLiteStore: ReconciliationStore {
    /// How long an acknowledgement waits for its message to become known.
    static let parkedAcknowledgementAge: Duration = .seconds(86400)

    package func apply(_ acknowledgements: [Acknowledgement], now: Timestamp) async throws(StoreError) -> [Message] {
        guard !acknowledgements.isEmpty else { return [] }
        let fingerprints = acknowledgements.map { $0.echo.map { EchoFingerprint.of($0.text) } }
        let changed = try await write(bytes: acknowledgements.count * 1024) { transaction in
            var changed = ChangedMessages()
            for (acknowledgement, fingerprint) in zip(acknowledgements, fingerprints) {
                let stored = try transaction.database.first(
                    Statements.byMessageID, [acknowledgement.messageID, acknowledgement.channel], StoredMessage.init)
                if let stored {
                    var change = MessageChange(stored.record, now: now)
                    change.acknowledge(
                        acknowledgement.level, at: acknowledgement.at, detail: acknowledgement.detail)
                    guard change.didChange else { continue }
                    changed.add(try transaction.save(&change, of: stored))
                } else if acknowledgement.level != .pending || fingerprint != nil {
                    try transaction.park(acknowledgement, fingerprint: fingerprint, now: now)
                }
            }
            return changed.messages
        }
        return try changed.decoded()
    }

    package func claimLookUps(
        limit: Int, perChannel: Int, except: Set<ChannelID>, now: Timestamp, leaseUntil: Timestamp
    ) async throws(StoreError) -> [LookUp] {
        guard limit > 0, perChannel > 0 else { return [] }
        let claimed = try await write { transaction in
            // The channel whose first look-up has been due the longest comes first, so that none is left behind for
            // ever.
            let channels = try transaction.database.all(Statements.lookUpsDue) { row in
                (id: row[0] as ChannelID, dueAt: row[1] as Timestamp)
            }
            .filter { $0.dueAt <= now && !except.contains($0.id) }
            .sorted { $0.dueAt < $1.dueAt }
            var claimed: [ClaimedLookUp] = []
            for channel in channels where claimed.count < limit {
                let due = try transaction.database.all(
                    Statements.dueLookUps, [channel.id, now, min(perChannel, limit - claimed.count)], ClaimedLookUp.init
                )
                for lookUp in due {
                    try transaction.database.run(Statements.leaseLookUp, [leaseUntil, lookUp.message.sequence])
                }
                claimed.append(contentsOf: due)
            }
            return claimed
        }
        var lookUps: [LookUp] = []
        for lookUp in claimed {
            lookUps.append(
                LookUp(
                    message: try lookUp.message.decoded(), purpose: lookUp.purpose, tries: lookUp.tries,
                    attemptStartedAt: lookUp.attemptStartedAt))
        }
        return lookUps
    }

    /// A finding counts only while its question is still open: the look-up of that purpose still stands.
    package func settleLookUps(_ batch: [LookUpSettlement], now: Timestamp) async throws(StoreError) -> [Message] {
        guard !batch.isEmpty else { return [] }
        let changed = try await write(bytes: batch.count * 1024) { transaction in
            var changed = ChangedMessages()
            for settlement in batch {
                guard let stored = try transaction.settle(settlement, now: now) else { continue }
                changed.add(stored)
            }
            return changed.messages
        }
        return try changed.decoded()
    }

    package func nextReconciliation() async throws(StoreError) -> (lookUpAt: Timestamp?, decideAt: Timestamp?) {
        try await read { database in
            let lookUpAt = try database.all(Statements.lookUpsDue) { $0[1] as Timestamp }.min()
            let decideAt = try database.first(Statements.firstDecision) { $0[0] as Timestamp? } ?? nil
            return (lookUpAt, decideAt)
        }
    }

    package func decide(_ decisions: [Decision], now: Timestamp) async throws(StoreError) -> [Message] {
        guard !decisions.isEmpty else { return [] }
        let changed: [StoredMessage] = try await write { transaction in
            try decisions.compactMap { decision in
                guard let stored = try transaction.load(decision.message) else { return nil }
                var change = MessageChange(stored.record, now: now)
                guard change.decide(decision.verdict) else { return nil }
                return try transaction.save(&change, of: stored)
            }
        }
        return try changed.decoded()
    }
}

/// A look-up as it was claimed.
private struct ClaimedLookUp: Sendable {
    var message: StoredMessage
    var purpose: LookUp.Purpose
    var tries: Int
    var attemptStartedAt: Timestamp

    init(_ row: Row) throws {
        message = try StoredMessage(row)
        var columns = ColumnReader(row, from: StoredMessage.columnCount)
        purpose = try columns.next(LookUp.Purpose.self)
        tries = columns.next()
        attemptStartedAt = columns.next()
    }
}

/// The messages a batch changed, each once, as it is in the end.
private struct ChangedMessages {
    private(set) var messages: [StoredMessage] = []
    private var positions: [Int64: Int] = [:]

    mutating func add(_ stored: StoredMessage) {
        if let position = positions[stored.sequence] {
            messages[position] = stored
        } else {
            positions[stored.sequence] = messages.count
            messages.append(stored)
        }
    }
}

extension WriteTransaction {
    fileprivate func park(_ acknowledgement: Acknowledgement, fingerprint: [UInt8]?, now: Timestamp) throws {
        try database.run(
            Statements.park,
            [
                acknowledgement.channel, acknowledgement.messageID, acknowledgement.level.rawValue, acknowledgement.at,
                acknowledgement.detail.map(MessageChange.bounded), acknowledgement.echo?.recipient, fingerprint?.blob,
                now,
            ])
    }

    /// Answers the message when it changed.
    fileprivate func settle(_ answer: LookUpSettlement, now: Timestamp) throws -> StoredMessage? {
        guard let stored = try load(answer.message) else { return nil }
        var settlement = answer
        if let submissionID = answer.submissionID, answer.purpose == .outcome,
            try database.first(
                Statements.otherOfSubmission, [stored.message.channelID, submissionID, stored.sequence],
                { $0[0] as Int })
                != nil
        {
            settlement = answer.withoutFinding(now: now)
        }
        let open = try database.first(Statements.lookUp, [stored.sequence]) { row in
            (purpose: row[0] as Int, tries: row[1] as Int, attemptStartedAt: row[2] as Timestamp)
        }
        guard let open, open.purpose == settlement.purpose.rawValue else { return nil }
        var change = MessageChange(stored.record, now: now)
        change.settle(settlement, tries: open.tries, attemptStartedAt: open.attemptStartedAt)
        // Webhooks know when each step happened; the answer to a look-up knows the last one only.
        if let messageID = change.boundMessageID { try applyParked(messageID, to: &change) }
        if let level = settlement.level { change.acknowledge(level, at: now, detail: settlement.detail) }
        let after = try save(&change, of: stored)
        return change.didChange ? after : nil
    }
}
