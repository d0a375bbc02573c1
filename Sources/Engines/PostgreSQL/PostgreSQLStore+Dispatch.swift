#if PostgreSQL
    import Martlet

    extension PostgreSQLStore: DispatchQueue {
        package func nextDue() async throws(StoreError) -> [ChannelID: Timestamp] {
            let due = try await read { session in
                try session.query(Statements.allDue).map { row in
                    (channel: row.next(ChannelID.self), at: row.nextIfAny(Timestamp.self))
                }
            }
            var result: [ChannelID: Timestamp] = [:]
            for entry in due { result[entry.channel] = entry.at }
            return result
        }

        package func claim(_ requests: [ClaimRequest], worker: String, now: Timestamp, leaseUntil: Timestamp)
            async throws(StoreError) -> [ClaimBatch]
        {
            try await claim(requests, only: nil, worker: worker, now: now, leaseUntil: leaseUntil)
        }

        /// - parameter only: of each channel, the only messages that are to be claimed; nil for whatever is due.
        func claim(
            _ requests: [ClaimRequest], only: [ChannelID: [MessageID]]?, worker: String, now: Timestamp,
            leaseUntil: Timestamp
        ) async throws(StoreError) -> [ClaimBatch] {
            guard !requests.isEmpty else { return [] }
            let doubtful = doubtfulClaims(of: worker)
            let claimed: [Claiming.Result]
            do throws(StoreError) {
                claimed = try await write { transaction in
                    try transaction.giveBack(doubtful, now: now)
                    var claiming = Claiming(
                        transaction: transaction, requests: requests, only: only, worker: worker, now: now,
                        leaseUntil: leaseUntil)
                    return try claiming.run()
                }
            } catch {
                // When a connection breaks during a commit, the claims may be there and nobody knows of them.
                doubt(DoubtfulClaims(worker: worker, at: now, channels: Set(requests.map(\.channel))))
                throw error
            }
            resolve(doubtful)
            var batches: [ClaimBatch] = []
            for channel in claimed {
                var claims: [Claim] = []
                claims.reserveCapacity(channel.claims.count)
                for stored in channel.claims {
                    claims.append(Claim(message: try stored.decoded(), token: stored.job?.token ?? 0))
                }
                batches.append(
                    ClaimBatch(
                        channel: channel.channel, claims: claims, expired: try channel.expired.decoded(),
                        nextDueAt: channel.nextDueAt))
            }
            return batches
        }

        package func settle(_ batch: [Settlement], now: Timestamp) async throws(StoreError) -> [Message?] {
            guard !batch.isEmpty else { return [] }
            let settled: [StoredMessage?] = try await write { transaction in
                try transaction.keepChannels()
                return try transaction.inRounds(batch, by: \.message, now: now) { change, settlement in
                    change.settle(settlement)
                }
            }
            var messages: [Message?] = []
            messages.reserveCapacity(settled.count)
            for stored in settled { messages.append(try stored?.decoded()) }
            return messages
        }

        package func renewLeases(worker: String, until: Timestamp) async throws(StoreError) {
            try await write { transaction in try transaction.session.send(Statements.renewLeases, [until, worker]) }
        }

        package func recoverLeases(
            now: Timestamp, worker: String, includingUnexpired: Bool, decideAt: Timestamp, limit: Int
        ) async throws(StoreError) -> Int {
            guard limit > 0 else { return 0 }
            let latest = includingUnexpired ? Timestamp(microseconds: .max) : now
            return try await write { transaction in
                let lost = try transaction.session.query(Statements.lostJobs, [latest, worker, limit]).map {
                    $0.next(MessageID.self)
                }
                // Between the look and the lock a claim may have been settled or renewed.
                let still = try transaction.load(lost).values.filter { stored in
                    guard let job = stored.job, job.state == .claimed, job.worker != worker else { return false }
                    return job.leaseUntil.map { $0 <= latest } ?? true
                }
                try transaction.change(Array(still), now: now) { change, _ in
                    change.loseWorker(decideAt: decideAt)
                    return true
                }
                return still.count
            }
        }

        package func expire(now: Timestamp, limit: Int) async throws(StoreError) -> [Message] {
            guard limit > 0 else { return [] }
            let expired = try await write { transaction in
                let due = try transaction.session.query(Statements.expiredJobs, [now, limit]).map {
                    $0.next(MessageID.self)
                }
                let loaded = try transaction.load(due)
                let still = due.compactMap { loaded[$0] }.filter { stored in
                    stored.job?.state == .waiting && stored.message.expiresAt.map { $0 <= now } ?? false
                }
                return try transaction.change(still, now: now) { change, _ in
                    change.fail(ErrorReason(.expired))
                    return true
                }.compactMap(\.self)
            }
            return try expired.decoded()
        }

        package func claimHistory(channel: ChannelID, since: Timestamp, limit: Int) async throws(StoreError)
            -> [Timestamp]
        {
            let rows = try await read { session in
                try session.query(Statements.claimHistory, [channel, since, limit]).map { row in
                    (at: row.next(Timestamp.self), count: row.next(Int.self))
                }
            }
            var newestFirst: [Timestamp] = []
            for row in rows {
                newestFirst.append(
                    contentsOf: repeatElement(row.at, count: max(0, min(row.count, limit - newestFirst.count))))
            }
            return newestFirst.reversed()
        }
    }

    /// Claims that may have been stored though the call that made them failed.
    struct DoubtfulClaims: Sendable, Hashable {
        var worker: String
        /// When they were made, which a job remembers.
        var at: Timestamp
        /// Of which channels they are: another call of the same moment may have claimed of others, and knows what it did.
        var channels: Set<ChannelID>
    }

    extension WriteTransaction {
        /// Puts back what was claimed without anybody knowing.
        fileprivate func giveBack(_ doubtful: [DoubtfulClaims], now: Timestamp) throws {
            for claims in doubtful {
                let found = try session.query(Statements.claimsOfMoment, [claims.worker, claims.at]).map {
                    $0.next(MessageID.self)
                }
                guard !found.isEmpty else { continue }
                try keepChannels()
                let held = try load(found).values.filter { stored in
                    stored.job?.state == .claimed && stored.job?.worker == claims.worker
                        && stored.job?.attemptStartedAt == claims.at
                        && claims.channels.contains(stored.message.channelID)
                }
                try change(held, now: now) { change, index in
                    change.settle(
                        Settlement(
                            message: held[index].message.id, token: held[index].job?.token ?? 0,
                            attempt: held[index].message.attempts + 1, report: nil, disposition: .release))
                }
                try flushMessages()
            }
        }

        /// Applies a batch in which a message may be named more than once, as if one entry came after the other. Answers in the
        /// order of the batch, nil where the message is not there or the rule says that nothing changes.
        func inRounds<Item>(
            _ batch: [Item], by id: KeyPath<Item, MessageID>, now: Timestamp,
            _ rule: (inout MessageChange, Item) throws -> Bool,
            afterParked: (inout MessageChange, Item) -> Void = { _, _ in }
        ) throws -> [StoredMessage?] {
            var results = [StoredMessage?](repeating: nil, count: batch.count)
            var current = try load(batch.map { $0[keyPath: id] })
            var remaining = Array(batch.indices)
            while !remaining.isEmpty {
                var round: [Int] = []
                var later: [Int] = []
                var seen: Set<MessageID> = []
                for index in remaining {
                    if seen.insert(batch[index][keyPath: id]).inserted {
                        round.append(index)
                    } else {
                        later.append(index)
                    }
                }
                round.removeAll { current[batch[$0][keyPath: id]] == nil }
                let messages = round.compactMap { current[batch[$0][keyPath: id]] }
                let changed = try change(
                    messages, now: now, { try rule(&$0, batch[round[$1]]) },
                    afterParked: { afterParked(&$0, batch[round[$1]]) })
                for (index, stored) in zip(round, changed) {
                    guard let stored else { continue }
                    results[index] = stored
                    current[stored.message.id] = stored
                }
                remaining = later
            }
            return results
        }
    }
#endif
