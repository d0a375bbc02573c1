import Martlet

extension MemoryStore: ReconciliationStore {
    package func apply(_ acknowledgements: [Acknowledgement], now: Timestamp) async throws(StoreError) -> [Message] {
        try await perform(.apply) { state in
            var changed: [MessageID] = []
            for acknowledgement in acknowledgements {
                let key = MemoryState.ProviderKey(channel: acknowledgement.channel, id: acknowledgement.messageID)
                guard let id = state.bound[key], let before = state.message(id) else {
                    if acknowledgement.level != .pending || acknowledgement.echo != nil {
                        state.park(acknowledgement, under: key, now: now)
                    }
                    continue
                }
                state.acknowledge(
                    id, acknowledgement.level, at: acknowledgement.at, detail: acknowledgement.detail, now: now)
                if state.message(id) != before, !changed.contains(id) { changed.append(id) }
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
                guard var row = state.rows[id], let planned = row.lookUp, !except.contains(row.message.channelID),
                    byChannel[row.message.channelID, default: 0] < perChannel
                else { continue }
                byChannel[row.message.channelID, default: 0] += 1
                // A look-up is not due again until its worker has had time to answer, or to die.
                row.lookUp?.dueAt = leaseUntil
                row.lookUp?.tries += 1
                state.put(row, for: id)
                taken.append(
                    LookUp(
                        message: MemoryState.message(row), purpose: planned.purpose, tries: planned.tries,
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
            decisions.compactMap { state.decide($0, now: now) }
        }
    }
}

extension MemoryState {
    /// A provider that repeats itself endlessly fills no memory: this many acknowledgements wait for one id.
    private static let parkedForOneMax = 16

    fileprivate mutating func park(_ acknowledgement: Acknowledgement, under key: ProviderKey, now: Timestamp) {
        if flaws.contains(.parksNothing) { return }
        var waiting = parked[key] ?? []
        if let index = waiting.firstIndex(where: { $0.acknowledgement.level == acknowledgement.level }) {
            if waiting[index].acknowledgement.echo == nil { waiting[index].acknowledgement.echo = acknowledgement.echo }
        } else if waiting.count < Self.parkedForOneMax {
            waiting.append(Parked(acknowledgement: acknowledgement, parkedAt: now))
        }
        parked[key] = waiting
    }

    fileprivate mutating func acknowledge(
        _ id: MessageID, _ level: AcknowledgementLevel, at moment: Timestamp, detail: String?, now: Timestamp
    ) {
        if flaws.contains(.letsStatusGoBack), level == .server || level == .device, var row = rows[id],
            row.message.status == .delivered || row.message.status == .read
        {
            row.record.message.status = .sent
            put(row, for: id)
        }
        change(id, now: now) { $0.acknowledge(level, at: moment, detail: detail) }
    }

    fileprivate mutating func decide(_ decision: Decision, now: Timestamp) -> Message? {
        var isDecided = false
        change(decision.message, now: now) { isDecided = $0.decide(decision.verdict) }
        if flaws.contains(.forgetsDuplicateRisk), case .retry = decision.verdict, isDecided {
            rows[decision.message]?.record.message.duplicateRisk = false
        }
        return isDecided ? message(decision.message) : nil
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
        guard let planned = rows[id]?.lookUp, planned.purpose == settlement.purpose, let before = message(id) else {
            return false
        }
        change(id, now: now) {
            $0.settle(settlement, tries: planned.tries, attemptStartedAt: planned.attemptStartedAt)
        }
        // Webhooks know when each step happened, the answer to a look-up the last one only: it comes after what was parked.
        if let level = settlement.level { acknowledge(id, level, at: now, detail: settlement.detail, now: now) }
        return message(id) != before
    }

    /// The provider's id in the one echo that can only be this message's.
    fileprivate func onlyEcho(for row: Row, _ job: Job) -> String? {
        guard let question = EchoQuestion(about: row.message, job: job) else { return nil }
        let echo = Acknowledgement.Echo(recipient: row.message.recipient, text: question.text)
        let fitting = parked.filter { key, entries in
            key.channel == row.message.channelID
                && entries.contains { $0.acknowledgement.echo == echo && $0.parkedAt >= question.earliest }
                && entries.allSatisfy { $0.acknowledgement.echo != echo || $0.acknowledgement.at >= question.earliest }
        }
        let unbound = rows.values.filter { other in
            other.message.channelID == row.message.channelID && other.message.recipient == row.message.recipient
                && other.message.messageID == nil
        }
        return question.answer(echoes: fitting.keys.map(\.id), unbound: unbound.map(Self.message))
    }
}
