import GRDB
import Martlet

/// Claims due jobs of one channel.
struct Claiming {
    /// What was claimed, as rows.
    struct Result: Sendable {
        var channel: ChannelID
        var claims: [StoredMessage] = []
        var expired: [StoredMessage] = []
        var nextDueAt: Timestamp?
    }

    /// Jobs that one call may find expired or put off, at most: bounds how long everybody else waits for this
    /// transaction. The rest is still due, so that the caller comes back at once.
    private static let asideMax = 1000

    private let transaction: WriteTransaction
    private let request: ClaimRequest
    private let worker: String
    private let now: Timestamp
    private let leaseUntil: Timestamp
    private var result: Result
    private var aside = 0

    init(
        transaction: WriteTransaction, request: ClaimRequest, worker: String, now: Timestamp, leaseUntil: Timestamp
    ) {
        self.transaction = transaction
        self.request = request
        self.worker = worker
        self.now = now
        self.leaseUntil = leaseUntil
        result = Result(channel: request.channel)
    }

    mutating func run() throws -> Result {
        for priority in Priority.allCases { try claim(priority) }
        if !result.claims.isEmpty {
            try transaction.database.run(Statements.recordClaims, [request.channel, now, result.claims.count])
        }
        result.nextDueAt =
            try transaction.database.first(Statements.channelDue, [request.channel]) { $0[0] as Timestamp? } ?? nil
        return result
    }

    private mutating func claim(_ priority: Priority) throws {
        while result.claims.count < request.limit, aside < Self.asideMax {
            let asked = request.limit - result.claims.count
            // Whatever is found here is claimed, failed or put off, so that the next round finds others.
            let due = try transaction.database.all(
                Statements.dueJobs, [request.channel, priority.rawValue, now, asked], StoredMessage.init)
            for stored in due { try take(stored) }
            if due.count < asked { return }
        }
    }

    private mutating func take(_ stored: StoredMessage) throws {
        var change = MessageChange(stored.record, now: now)
        if let expiresAt = stored.message.expiresAt, expiresAt <= now {
            change.fail(ErrorReason(.expired))
            result.expired.append(try transaction.save(&change, of: stored))
            aside += 1
        } else if let interval = request.recipientInterval, let until = try paced(stored.message, interval) {
            change.hold(until: until, .recipientPace)
            try transaction.save(&change, of: stored)
            aside += 1
        } else {
            change.claim(worker: worker, leaseUntil: leaseUntil)
            result.claims.append(try transaction.save(&change, of: stored))
        }
    }

    /// Until when the message must wait for its recipient's sake; nil when it may go, which is then noted.
    ///
    /// Those that are put off get one slot each, one interval apart, behind the recipient's others of the same
    /// priority. With one due time for all, each slot would put all but one off again.
    private func paced(_ message: Message, _ interval: Duration) throws -> Timestamp? {
        let database = transaction.database
        let claimedAt = try database.first(Statements.lastClaim, [message.channelID, message.recipient]) {
            $0[0] as Timestamp
        }
        if let claimedAt, claimedAt + interval > now {
            let lastSlot =
                try database.first(
                    Statements.lastSlot, [message.channelID, message.recipient, message.priority.rawValue]
                ) { $0[0] as Timestamp? } ?? nil
            return max(claimedAt, lastSlot ?? claimedAt) + interval
        }
        try database.run(Statements.setLastClaim, [message.channelID, message.recipient, now])
        return nil
    }
}
