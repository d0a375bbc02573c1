import GRDB
import Martlet

extension SQLiteStore: DispatchQueue {
    package func nextDue() async throws(StoreError) -> [ChannelID: Timestamp] {
        let due = try await read { database in
            try database.all(Statements.allDue) { (channel: $0[0] as ChannelID, at: $0[1] as Timestamp?) }
        }
        var result: [ChannelID: Timestamp] = [:]
        for entry in due { result[entry.channel] = entry.at }
        return result
    }

    package func claim(_ requests: [ClaimRequest], worker: String, now: Timestamp, leaseUntil: Timestamp)
        async throws(StoreError) -> [ClaimBatch]
    {
        guard !requests.isEmpty else { return [] }
        let claimed = try await write { transaction in
            try requests.map { request in
                var claiming = Claiming(
                    transaction: transaction, request: request, worker: worker, now: now, leaseUntil: leaseUntil)
                return try claiming.run()
            }
        }
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
        let settled: [StoredMessage?] = try await write(bytes: batch.count * 1024) { transaction in
            try batch.map { settlement in
                guard let stored = try transaction.load(settlement.message) else { return nil }
                var change = MessageChange(stored.record, now: now)
                guard change.settle(settlement) else { return nil }
                return try transaction.save(&change, of: stored)
            }
        }
        var messages: [Message?] = []
        messages.reserveCapacity(settled.count)
        for stored in settled { messages.append(try stored?.decoded()) }
        return messages
    }

    package func renewLeases(worker: String, until: Timestamp) async throws(StoreError) {
        try await write { transaction in try transaction.database.run(Statements.renewLeases, [until, worker]) }
    }

    package func recoverLeases(
        now: Timestamp, worker: String, includingUnexpired: Bool, decideAt: Timestamp, limit: Int
    ) async throws(StoreError) -> Int {
        try await write { transaction in
            var recovered = 0
            var previous = ""
            while recovered < limit,
                let other = try transaction.database.first(Statements.nextWorker, [previous], { $0[0] as String })
            {
                previous = other
                guard other != worker else { continue }
                let lost = try transaction.database.all(
                    Statements.claimedJobs,
                    [other, includingUnexpired ? Timestamp(microseconds: .max) : now, limit - recovered],
                    StoredMessage.init)
                for stored in lost {
                    var change = MessageChange(stored.record, now: now)
                    change.loseWorker(decideAt: decideAt)
                    try transaction.save(&change, of: stored)
                }
                recovered += lost.count
            }
            return recovered
        }
    }

    package func expire(now: Timestamp, limit: Int) async throws(StoreError) -> [Message] {
        guard limit > 0 else { return [] }
        let expired = try await write { transaction in
            let due = try transaction.database.all(Statements.expiredJobs, [now, limit], StoredMessage.init)
            return try due.map { stored in
                var change = MessageChange(stored.record, now: now)
                change.fail(ErrorReason(.expired))
                return try transaction.save(&change, of: stored)
            }
        }
        return try expired.decoded()
    }

    package func claimHistory(channel: ChannelID, since: Timestamp, limit: Int) async throws(StoreError) -> [Timestamp]
    {
        try await read { database in
            var newestFirst: [Timestamp] = []
            let rows = try Row.fetchCursor(
                try database.cachedStatement(sql: Statements.claimHistory), arguments: [channel, since])
            while newestFirst.count < limit, let row = try rows.next() {
                let count = min(row[1] as Int, limit - newestFirst.count)
                newestFirst.append(contentsOf: repeatElement(row[0], count: count))
            }
            return newestFirst.reversed()
        }
    }
}
