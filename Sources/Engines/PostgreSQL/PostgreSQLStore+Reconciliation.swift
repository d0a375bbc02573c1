#if PostgreSQL
    import Martlet

    extension PostgreSQLStore: ReconciliationStore {
        /// How long an acknowledgement waits for its message to become known.
        static let parkedAcknowledgementAge: Duration = .seconds(86400)

        package func apply(_ acknowledgements: [Acknowledgement], now: Timestamp) async throws(StoreError) -> [Message]
        {
            guard !acknowledgements.isEmpty else { return [] }
            let news = acknowledgements.map { acknowledgement in
                News(
                    acknowledgement: acknowledgement,
                    fingerprint: acknowledgement.echo.map { EchoFingerprint.of($0.text) })
            }
            let changed = try await write { transaction in try transaction.apply(news, now: now) }
            return try changed.decoded()
        }

        package func claimLookUps(
            limit: Int, perChannel: Int, except: Set<ChannelID>, now: Timestamp, leaseUntil: Timestamp
        ) async throws(StoreError) -> [LookUp] {
            guard limit > 0, perChannel > 0 else { return [] }
            // Asked for all the time and seldom with any to give: a look costs no write.
            let due = try await read { session in
                try session.query(Statements.lookUpsDue).map { row in
                    (id: row.next(ChannelID.self), dueAt: row.next(Timestamp.self))
                }
            }
            // The channel whose first look-up has been due the longest comes first, so that none is left behind for ever.
            let channels = due.filter { $0.dueAt <= now && !except.contains($0.id) }.sorted { $0.dueAt < $1.dueAt }
                .map(\.id)
            guard !channels.isEmpty else { return [] }
            let claimed = try await write { transaction in
                try transaction.claimLookUps(
                    limit: limit, perChannel: perChannel, channels: channels, now: now, leaseUntil: leaseUntil)
            }
            var lookUps: [LookUp] = []
            for lookUp in claimed {
                lookUps.append(
                    LookUp(
                        message: try lookUp.message.decoded(), purpose: lookUp.question.purpose,
                        tries: lookUp.question.tries, attemptStartedAt: lookUp.question.attemptStartedAt))
            }
            return lookUps
        }

        /// A finding counts only while its question is still open: the look-up of that purpose still stands.
        package func settleLookUps(_ batch: [LookUpSettlement], now: Timestamp) async throws(StoreError) -> [Message] {
            guard !batch.isEmpty else { return [] }
            let changed = try await write { transaction in
                try transaction.keepChannels()
                return try transaction.settle(batch, now: now)
            }
            return try changed.decoded()
        }

        package func nextReconciliation() async throws(StoreError) -> (lookUpAt: Timestamp?, decideAt: Timestamp?) {
            try await read { session in
                try session.request(Statements.lookUpsDue)
                try session.request(Statements.firstDecision)
                let answers = try session.collect()
                let lookUpAt = answers[0].map { row in (row.next(ChannelID.self), row.next(Timestamp.self)).1 }.min()
                return (lookUpAt, answers[1].first { $0.next(Timestamp.self) })
            }
        }

        package func decide(_ decisions: [Decision], now: Timestamp) async throws(StoreError) -> [Message] {
            guard !decisions.isEmpty else { return [] }
            let changed: [StoredMessage] = try await write { transaction in
                try transaction.keepChannels()
                return try transaction.inRounds(decisions, by: \.message, now: now) { change, decision in
                    change.decide(decision.verdict)
                }.compactMap(\.self)
            }
            return try changed.decoded()
        }
    }

    /// An acknowledgement with the fingerprint of the words it repeats.
    private struct News: Sendable {
        let acknowledgement: Acknowledgement
        let fingerprint: [UInt8]?

        var id: ProviderID { ProviderID(channel: acknowledgement.channel, messageID: acknowledgement.messageID) }
        /// Whether it is worth keeping until its message is known.
        var isKept: Bool { acknowledgement.level != .pending || fingerprint != nil }
    }

    /// What a look-up is to find out.
    private struct Question: Sendable {
        var purpose: LookUp.Purpose
        var tries: Int
        var attemptStartedAt: Timestamp

        init(_ columns: inout ColumnReader) throws {
            purpose = try columns.nextCase()
            tries = columns.next()
            attemptStartedAt = columns.next()
        }
    }

    /// A look-up as it was claimed.
    private struct ClaimedLookUp: Sendable {
        var message: StoredMessage
        var question: Question
    }

    extension WriteTransaction {
        /// Answers each message that changed once, as it is in the end, in the order of their first change.
        fileprivate func apply(_ news: [News], now: Timestamp) throws -> [StoredMessage] {
            var order: [MessageID] = []
            var changed: [MessageID: StoredMessage] = [:]
            var remaining = news
            var known = try messages(of: remaining.map(\.id), Statements.messagesOfProviderIDs)
            while true {
                let now = now
                let found = remaining.filter { known[$0.id] != nil }
                var ofMessage: [MessageID: [Acknowledgement]] = [:]
                var ids: [MessageID] = []
                for item in found {
                    guard let id = known[item.id] else { continue }
                    if ofMessage[id] == nil { ids.append(id) }
                    ofMessage[id, default: []].append(item.acknowledgement)
                }
                let loaded = try load(ids)
                let messages = ids.compactMap { loaded[$0] }
                let results = try change(messages, now: now) { change, index in
                    for acknowledgement in ofMessage[messages[index].message.id] ?? [] {
                        change.acknowledge(
                            acknowledgement.level, at: acknowledgement.at, detail: acknowledgement.detail)
                    }
                    return change.didChange
                }
                for stored in results.compactMap(\.self) {
                    order.append(stored.message.id)
                    changed[stored.message.id] = stored
                }
                remaining = remaining.filter { known[$0.id] == nil && $0.isKept }
                if remaining.isEmpty { break }
                // From here on nobody can bind these ids unseen. Those that somebody has just bound have another round.
                known = try announce(remaining.map(\.id))
                try park(remaining.filter { known[$0.id] == nil }, now: now)
                if known.isEmpty { break }
                remaining = remaining.filter { known[$0.id] != nil }
                try flushMessages()
            }
            return order.compactMap { changed[$0] }
        }

        /// Whose the provider's ids are, as far as that is known.
        private func messages(of ids: [ProviderID], _ statement: String) throws -> [ProviderID: MessageID] {
            let keys = Set(ids).sorted()
            let rows = try session.query(
                statement, [SQLArray(keys) { $0.messageID }, SQLArray(keys) { $0.channel }]
            ).map { row in
                (id: ProviderID(messageID: row.next(), channel: row.next()), message: row.nextIfAny(MessageID.self))
            }
            var messages: [ProviderID: MessageID] = [:]
            for row in rows { messages[row.id] = row.message }
            return messages
        }

        private func announce(_ ids: [ProviderID]) throws -> [ProviderID: MessageID] {
            let keys = Set(ids).sorted()
            try session.send(
                Statements.announceProviderIDs, [SQLArray(keys) { $0.messageID }, SQLArray(keys) { $0.channel }])
            return try messages(of: ids, Statements.holdProviderIDs)
        }

        private func park(_ news: [News], now: Timestamp) throws {
            struct Key: Hashable {
                var id: ProviderID
                var level: AcknowledgementLevel
            }
            // The same news twice is kept once, with the words if either has them.
            var kept: [News] = []
            var positions: [Key: Int] = [:]
            for item in news {
                let key = Key(id: item.id, level: item.acknowledgement.level)
                guard let position = positions[key] else {
                    positions[key] = kept.count
                    kept.append(item)
                    continue
                }
                guard kept[position].fingerprint == nil, item.fingerprint != nil else { continue }
                var acknowledgement = kept[position].acknowledgement
                acknowledgement.echo = item.acknowledgement.echo
                kept[position] = News(acknowledgement: acknowledgement, fingerprint: item.fingerprint)
            }
            guard !kept.isEmpty else { return }
            try session.send(
                Statements.park,
                [
                    SQLArray(kept) { $0.acknowledgement.channel }, SQLArray(kept) { $0.acknowledgement.messageID },
                    SQLArray(kept) { $0.acknowledgement.level.rawValue }, SQLArray(kept) { $0.acknowledgement.at },
                    SQLArray(kept) { $0.acknowledgement.detail.map(MessageChange.bounded) },
                    SQLArray(kept) { $0.acknowledgement.echo?.recipient },
                    SQLArray(kept) { $0.fingerprint.map { Blob($0) } }, now,
                ])
        }

        fileprivate func claimLookUps(
            limit: Int, perChannel: Int, channels: [ChannelID], now: Timestamp, leaseUntil: Timestamp
        ) throws -> [ClaimedLookUp] {
            var questions: [(message: MessageID, question: Question)] = []
            for channel in channels where questions.count < limit {
                questions += try session.query(
                    Statements.dueLookUps, [channel, now, min(perChannel, limit - questions.count)]
                ).map { row in (message: row.next(), question: try Question(&row)) }
            }
            guard !questions.isEmpty else { return [] }
            let ids = SQLArray(questions) { $0.message }
            try session.send(Statements.leaseLookUps, [leaseUntil, ids])
            let rows = try session.query(
                """
                SELECT \(StoredMessage.columns) FROM communications_log l LEFT JOIN jobs j ON j.message = l.id
                WHERE l.id = ANY($1::text[])
                """, [ids]
            ).map { try StoredMessage(&$0) }
            let messages = Dictionary(rows.map { ($0.message.id, $0) }, uniquingKeysWith: { first, _ in first })
            return questions.compactMap { entry in
                messages[entry.message].map { ClaimedLookUp(message: $0, question: entry.question) }
            }
        }

        /// Answers the messages that changed.
        fileprivate func settle(_ batch: [LookUpSettlement], now: Timestamp) throws -> [StoredMessage] {
            var order: [MessageID] = []
            var changed: [MessageID: StoredMessage] = [:]
            var remaining = batch
            while !remaining.isEmpty {
                var seen: Set<MessageID> = []
                let round = remaining.filter { seen.insert($0.message).inserted }
                seen = []
                remaining = remaining.filter { !seen.insert($0.message).inserted }
                for stored in try settleOnce(round, now: now) {
                    if changed[stored.message.id] == nil { order.append(stored.message.id) }
                    changed[stored.message.id] = stored
                }
                // A second answer about a message is held against what the first has left open.
                if !remaining.isEmpty { try flushMessages() }
            }
            return order.compactMap { changed[$0] }
        }

        /// Settles answers about different messages.
        private func settleOnce(_ batch: [LookUpSettlement], now: Timestamp) throws -> [StoredMessage] {
            let loaded = try load(batch.map(\.message))
            let open = try session.query(Statements.lookUps, [SQLArray(batch) { $0.message }]).map { row in
                (message: row.next(MessageID.self), question: try Question(&row))
            }
            let questions = Dictionary(open.map { ($0.message, $0.question) }, uniquingKeysWith: { first, _ in first })
            var messages: [StoredMessage] = []
            var answers: [(settlement: LookUpSettlement, question: Question)] = []
            for answer in batch {
                guard let stored = loaded[answer.message], let question = questions[answer.message] else { continue }
                var settlement = answer
                if answer.purpose == .outcome, let submissionID = answer.submissionID,
                    try session.query(
                        Statements.otherOfSubmission, [stored.message.channelID, submissionID, stored.message.id]
                    ).count > 0
                {
                    settlement = answer.withoutFinding(now: now)
                }
                guard question.purpose == settlement.purpose else { continue }
                messages.append(stored)
                answers.append((settlement, question))
            }
            var isVisible = [Bool](repeating: false, count: messages.count)
            let results = try change(
                messages, now: now,
                { change, index in
                    let (settlement, question) = answers[index]
                    change.settle(
                        settlement, tries: question.tries, attemptStartedAt: question.attemptStartedAt)
                    return true
                },
                afterParked: { change, index in
                    // Webhooks know when each step happened; the answer to a look-up knows the last one only.
                    if let level = answers[index].settlement.level {
                        change.acknowledge(level, at: now, detail: answers[index].settlement.detail)
                    }
                    isVisible[index] = change.didChange
                })
            return zip(results, isVisible).compactMap { stored, isVisible in isVisible ? stored : nil }
        }
    }
#endif
