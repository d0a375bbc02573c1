import Martlet

extension MemoryStore: ReconciliationStore {
    package func apply(_ acknowledgements: [Acknowledgement], now: Timestamp) async throws(StoreError) -> [Message] {
        try await perform(.apply) { state in
            var changed: [MessageID] = []
            for acknowledgement in acknowledgements {
                let key = MemoryState.ProviderKey(channel: acknowledgement.channel, id: acknowledgement.messageID)
                if let id = state.bound[key] {
                    if state.apply(acknowledgement, to: id, now: now), !changed.contains(id) { changed.append(id) }
                } else {
                    state.park(acknowledgement, under: key, now: now)
                }
            }
            return changed.compactMap { state.message($0) }
        }
    }

    package func claimLookUps(
        limit: Int, perChannel: Int, except: Set<ChannelID>, now: Timestamp, leaseUntil: Timestamp
    ) async throws(StoreError) -> [LookUp] {
        try await perform(.claimLookUps) { state in
            var taken: [LookUp] = []
            var byChannel: [ChannelID: Int] = [:]
            for id in state.lookUps.due(now) {
                guard taken.count < limit else { break }
                guard let row = state.rows[id], let planned = row.lookUp, !except.contains(row.message.channelID),
                    byChannel[row.message.channelID, default: 0] < perChannel
                else { continue }
                byChannel[row.message.channelID, default: 0] += 1
                // A look-up is not due again until its worker has had time to answer, or to die.
                let message = state.modify(id, now: now) { row in
                    row.lookUp?.dueAt = leaseUntil
                    row.lookUp?.tries += 1
                }
                guard let message else { continue }
                taken.append(
                    LookUp(
                        message: message, purpose: planned.purpose, tries: planned.tries,
                        attemptStartedAt: planned.attemptStartedAt))
            }
            return taken
        }
    }

    package func settleLookUps(_ batch: [LookUpSettlement], now: Timestamp) async throws(StoreError) -> [Message] {
        try await perform(.settleLookUps) { state in
            var changed: [MessageID] = []
            for settlement in batch where state.settle(settlement, now: now) {
                if !changed.contains(settlement.message) { changed.append(settlement.message) }
            }
            return changed.compactMap { state.message($0) }
        }
    }

    package func nextReconciliation() async throws(StoreError) -> (lookUpAt: Timestamp?, decideAt: Timestamp?) {
        try await perform(.nextReconciliation) { state in
            (lookUpAt: state.lookUps.first?.at, decideAt: state.decisions.first?.at)
        }
    }

    package func undecided(now: Timestamp, limit: Int) async throws(StoreError) -> [Undecided] {
        try await perform(.undecided) { state in
            state.decisions.due(now, limit: limit).compactMap { id in
                guard let row = state.rows[id], let job = row.job else { return nil }
                return Undecided(
                    message: MemoryState.message(row), echoMessageID: state.onlyEcho(for: row, job), since: job.since)
            }
        }
    }

    package func decide(_ decisions: [Decision], now: Timestamp) async throws(StoreError) -> [Message] {
        try await perform(.decide) { state in
            decisions.compactMap { decision in
                guard state.rows[decision.message]?.job?.state == .unknown else { return nil }
                return state.decide(decision, now: now)
            }
        }
    }
}

extension MemoryState {
    /// A provider that repeats itself endlessly fills no memory: this many acknowledgements wait for one id.
    private static let parkedForOneMax = 16

    fileprivate mutating func park(_ acknowledgement: Acknowledgement, under key: ProviderKey, now: Timestamp) {
        var waiting = parked[key] ?? []
        if let index = waiting.firstIndex(where: { $0.acknowledgement.level == acknowledgement.level }) {
            if waiting[index].acknowledgement.echo == nil { waiting[index].acknowledgement.echo = acknowledgement.echo }
        } else if waiting.count < Self.parkedForOneMax {
            waiting.append(Parked(acknowledgement: acknowledgement, parkedAt: now))
        }
        parked[key] = waiting
    }

    /// Ties a message to the id that webhooks use, and applies what was parked for that id.
    mutating func bind(_ id: MessageID, to messageID: String, now: Timestamp) {
        guard let message = modify(id, now: now, { $0.message.messageID = messageID }) else { return }
        let waiting = parked.removeValue(forKey: ProviderKey(channel: message.channelID, id: messageID)) ?? []
        // In the order in which it must have happened: each step then stands in the timeline.
        let order = waiting.map(\.acknowledgement).sorted { left, right in
            (left.level == .failed ? 1 : 0, left.level.rawValue) < (right.level == .failed ? 1 : 0, right.level.rawValue)
        }
        for acknowledgement in order { _ = apply(acknowledgement, to: id, now: now) }
    }

    /// Whether it changed anything.
    fileprivate mutating func apply(_ acknowledgement: Acknowledgement, to id: MessageID, now: Timestamp) -> Bool {
        guard let before = rows[id]?.message else { return false }
        let status = acknowledgement.level.status
        if acknowledgement.level == .failed {
            guard before.status.mayBecome(.failed) else { return false }
            _ = fail(id, ErrorReason(.failedByProvider, acknowledgement.detail), now: now)
            return true
        }
        let moves = before.status.mayBecome(status)
        let isSignOfLife = acknowledgement.level.rawValue >= AcknowledgementLevel.server.rawValue
        let isFirstSign = isSignOfLife && before.acknowledgedAt == nil && before.status != .failed
        guard moves || isFirstSign else { return false }
        modify(id, now: now) { row in
            if isFirstSign { row.message.acknowledgedAt = acknowledgement.at }
            guard moves else { return }
            row.message.status = status
            row.message.sentAt = row.message.sentAt ?? acknowledgement.at
            // Whatever it waited for, the provider has it.
            row.job = nil
            switch status {
            case .delivered: row.message.deliveredAt = acknowledgement.at
            case .read:
                row.message.readAt = acknowledgement.at
                row.message.deliveredAt = row.message.deliveredAt ?? acknowledgement.at
            default: break
            }
            if status.isFinal { row.lookUp = nil }
        }
        switch acknowledgement.level {
        case .pending: note(.sent, id, at: acknowledgement.at)
        case .server:
            if moves { note(.sent, id, at: acknowledgement.at) }
            note(.acknowledged, id, at: acknowledgement.at)
        case .device where moves: note(.delivered, id, at: acknowledgement.at)
        case .read where moves: note(.read, id, at: acknowledgement.at)
        default: break
        }
        return true
    }

    fileprivate mutating func settle(_ answer: LookUpSettlement, now: Timestamp) -> Bool {
        let id = answer.message
        let channel = rows[id]?.message.channelID
        let isAnothers =
            answer.purpose == .outcome && answer.submissionID != nil
            && rows.values.contains {
                $0.message.id != id && $0.message.channelID == channel && $0.message.submissionID == answer.submissionID
            }
        let settlement = isAnothers ? answer.withoutFinding(now: now) : answer
        // An answer to a question that is no longer asked: the message was decided, replayed or removed meanwhile.
        guard let before = rows[id], let planned = before.lookUp, planned.purpose == settlement.purpose else {
            return false
        }
        if settlement.isWorthAnEntry { note(.lookedUp, id, at: now, detail: settlement.detail) }
        let wasFound = settlement.submissionID != nil || settlement.messageID != nil || settlement.level != nil
        modify(id, now: now) { row in
            if let submissionID = settlement.submissionID { row.message.submissionID = submissionID }
            row.lookUp = settlement.next.map { next in
                PlannedLookUp(
                    purpose: next.purpose, dueAt: next.at, tries: next.purpose == planned.purpose ? planned.tries : 0,
                    attemptStartedAt: planned.attemptStartedAt)
            }
        }
        if wasFound, before.job?.state == .unknown, settlement.level != .failed {
            modify(id, now: now) { row in
                row.job = nil
                row.message.status = .sent
                row.message.sentAt = now
            }
            note(.sent, id, at: now)
        }
        if let messageID = settlement.messageID { bind(id, to: messageID, now: now) }
        if let level = settlement.level, let message = rows[id]?.message {
            _ = apply(
                Acknowledgement(
                    channel: message.channelID, messageID: message.messageID ?? "", level: level, at: now,
                    detail: settlement.detail),
                to: id, now: now)
        }
        return rows[id]?.message != before.message || rows[id]?.job != before.job
    }

    fileprivate mutating func decide(_ decision: Decision, now: Timestamp) -> Message? {
        let id = decision.message
        switch decision.verdict {
        case .sent(let messageID):
            modify(id, now: now) { row in
                row.job = nil
                row.lookUp = nil
                row.message.status = .sent
                row.message.sentAt = now
            }
            note(.sent, id, at: now)
            bind(id, to: messageID, now: now)
            return message(id)
        case .retry(let at):
            let message = modify(id, now: now) { row in
                row.message.duplicateRisk = true
                row.lookUp = nil
                row.job?.state = .waiting
                row.job?.dueAt = at
                row.job?.condition = .retrying
                row.job?.since = now
            }
            guard let message, deletedChannels.contains(message.channelID) else { return message }
            return fail(id, ErrorReason(.channelDeleted), now: now)
        case .fail(let reason):
            return fail(id, reason, now: now)
        }
    }

    /// The provider's id in the one echo that can only be this message's.
    fileprivate func onlyEcho(for row: Row, _ job: Job) -> String? {
        guard let text = row.message.payload.visibleText else { return nil }
        let echo = Acknowledgement.Echo(recipient: row.message.recipient, text: text)
        let fitting = parked.filter { key, entries in
            key.channel == row.message.channelID
                && entries.contains { $0.acknowledgement.echo == echo && $0.parkedAt >= job.attemptStartedAt }
        }
        guard fitting.count == 1, let key = fitting.first?.key else { return nil }
        let claimants = rows.values.filter { other in
            other.message.channelID == row.message.channelID && other.message.recipient == row.message.recipient
                && other.message.messageID == nil && other.message.payload.visibleText == text
                && (other.message.status == .sent || other.job?.state == .claimed || other.job?.state == .unknown)
        }
        return claimants.count == 1 ? key.id : nil
    }
}
