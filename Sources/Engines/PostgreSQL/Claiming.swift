#if PostgreSQL
    import Martlet

    /// Claims due jobs of some channels in one transaction.
    ///
    /// Each round takes what is due of all channels with a statement for each, in one round trip; what is found expired or is put
    /// off takes nobody's place, so that there may be another round.
    struct Claiming {
        /// What was claimed of one channel, as rows.
        struct Result: Sendable {
            var channel: ChannelID
            var claims: [StoredMessage] = []
            var expired: [StoredMessage] = []
            var nextDueAt: Timestamp?
        }

        /// Jobs of a channel that one call may find expired or put off, at most: bounds how long everybody else waits for this
        /// transaction. The rest is still due, so that the caller comes back at once.
        private static let asideMax = 1000

        private let transaction: WriteTransaction
        private let requests: [ClaimRequest]
        /// Of each channel, the only messages that are to be claimed; nil for whatever is due.
        private let only: [ChannelID: [MessageID]]?
        private let worker: String
        private let now: Timestamp
        private let leaseUntil: Timestamp
        private var results: [Result]
        private var aside: [Int]
        private var isDone: [Bool]

        init(
            transaction: WriteTransaction, requests: [ClaimRequest], only: [ChannelID: [MessageID]]?, worker: String,
            now: Timestamp, leaseUntil: Timestamp
        ) {
            self.transaction = transaction
            self.requests = requests
            self.only = only
            self.worker = worker
            self.now = now
            self.leaseUntil = leaseUntil
            results = requests.map { Result(channel: $0.channel) }
            aside = requests.map { _ in 0 }
            isDone = requests.map { $0.limit <= 0 }
        }

        mutating func run() throws -> [Result] {
            let session = transaction.session
            // A recipient's pace is kept over all workers: of two at once, the second sees whom the first has taken.
            for channel in requests.filter({ $0.recipientInterval != nil }).map(\.channel).sorted() {
                try session.send(
                    "SELECT pg_advisory_xact_lock(\(AdvisoryLock.key), hashtext($1 || ' \(AdvisoryLock.pace.rawValue)'))",
                    [channel])
            }
            while isDone.contains(false) {
                try round()
                try transaction.flushMessages()
            }
            let claimed = results.filter { !$0.claims.isEmpty }.sorted { $0.channel < $1.channel }
            if !claimed.isEmpty {
                try session.send(
                    Statements.recordClaims,
                    [
                        SQLArray(claimed) { $0.channel }, SQLArray(claimed) { _ in now },
                        SQLArray(claimed) { $0.claims.count },
                    ])
            }
            guard only == nil else { return results }
            for request in requests { try session.request(Statements.channelDue, [request.channel]) }
            for (index, answer) in try session.collect().enumerated() where index < results.count {
                results[index].nextDueAt = answer.first { $0.nextIfAny(Timestamp.self) } ?? nil
            }
            return results
        }

        /// One look at every channel that may have more.
        private mutating func round() throws {
            let session = transaction.session
            let asking = requests.indices.filter { !isDone[$0] }
            for index in asking {
                let (channel, limit) = (requests[index].channel, remaining(index))
                if let only {
                    try session.request(
                        Statements.dueJobsAmong, [channel, now, limit, SQLArray(Set(only[channel] ?? []).sorted())])
                } else {
                    try session.request(Statements.dueJobs, [channel, now, limit])
                }
            }
            var found: [(index: Int, jobs: [(id: MessageID, job: Job?)])] = []
            for (index, answer) in zip(asking, try session.collect()) {
                found.append((index, try answer.map { row in (id: row.next(), job: try Job(&row)) }))
            }
            // With the jobs held, nobody changes what is read here; the jobs themselves were read when they were held.
            var messages = try read(found.flatMap { $0.jobs.map(\.id) })
            for entry in found {
                for pair in entry.jobs { messages[pair.id]?.record.job = pair.job }
            }
            for entry in found {
                let asked = remaining(entry.index)
                let due = entry.jobs.compactMap { messages[$0.id] }
                try take(due, index: entry.index)
                if entry.jobs.count < asked || remaining(entry.index) <= 0 || aside[entry.index] >= Self.asideMax {
                    isDone[entry.index] = true
                }
            }
        }

        private func remaining(_ index: Int) -> Int { requests[index].limit - results[index].claims.count }

        private func read(_ ids: [MessageID]) throws -> [MessageID: StoredMessage] {
            guard !ids.isEmpty else { return [:] }
            let rows = try transaction.session.query(Statements.readMessages, [SQLArray(ids)]).map {
                try StoredMessage(log: &$0)
            }
            return Dictionary(rows.map { ($0.message.id, $0) }, uniquingKeysWith: { first, _ in first })
        }

        private mutating func take(_ due: [StoredMessage], index: Int) throws {
            guard !due.isEmpty else { return }
            let (now, worker, leaseUntil) = (now, worker, leaseUntil)
            let expired = try lock(due.filter { isExpired($0.message) })
            // Somebody is at work on the rest of those that are expired; they are left to him.
            if expired.count < due.filter({ isExpired($0.message) }).count { isDone[index] = true }
            let alive = due.filter { !isExpired($0.message) }
            var pace = try requests[index].recipientInterval.map { interval in
                try RecipientPace(
                    channel: requests[index].channel, interval: interval, now: now, of: alive.map(\.message),
                    transaction.session)
            }
            let slots = alive.map { pace?.slot(of: $0.message) }
            results[index].expired += try transaction.change(expired, now: now) { change, _ in
                change.fail(ErrorReason(.expired))
                return true
            }.compactMap(\.self)
            let changed = try transaction.change(alive, now: now) { change, position in
                if let until = slots[position] {
                    change.hold(until: until, .recipientPace)
                } else {
                    change.claim(worker: worker, leaseUntil: leaseUntil)
                }
                return true
            }.compactMap(\.self)
            results[index].claims += changed.filter { $0.job?.state == .claimed }
            aside[index] += expired.count + changed.count { $0.job?.state != .claimed }
            try pace?.store(transaction.session)
        }

        private func isExpired(_ message: Message) -> Bool { message.expiresAt.map { $0 <= now } ?? false }

        /// Locks the log's rows, too, of jobs that are to end; those that somebody else holds are left out. Whoever holds a
        /// message waits for its job: waiting here for the message would be waiting in a circle.
        private func lock(_ messages: [StoredMessage]) throws -> [StoredMessage] {
            guard !messages.isEmpty else { return [] }
            let locked = Set(
                try transaction.session.query(Statements.lockFreeMessages, [SQLArray(messages) { $0.message.id }])
                    .map { $0.next(MessageID.self) })
            return messages.filter { locked.contains($0.message.id) }
        }
    }

    /// The least time between two messages to one recipient of a channel.
    ///
    /// Those that are put off get one slot each, one interval apart, behind the recipient's others of the same priority. With
    /// one due time for all, each slot would put all but one off again.
    private struct RecipientPace {
        private struct Line: Hashable {
            var recipient: PhoneNumber
            var priority: Int
        }

        private let channel: ChannelID
        private let interval: Duration
        private let now: Timestamp
        private var claimedAt: [PhoneNumber: Timestamp] = [:]
        private var lastSlots: [Line: Timestamp] = [:]
        private var claimedNow: Set<PhoneNumber> = []

        init(channel: ChannelID, interval: Duration, now: Timestamp, of messages: [Message], _ session: Session) throws
        {
            self.channel = channel
            self.interval = interval
            self.now = now
            let recipients = SQLArray(Set(messages.map(\.recipient)))
            try session.request(Statements.lastClaims, [channel, recipients])
            try session.request(Statements.lastSlots, [channel, recipients])
            let answers = try session.collect()
            for row in answers[0].map({ row in (recipient: row.next(PhoneNumber.self), at: row.next(Timestamp.self)) })
            {
                claimedAt[row.recipient] = row.at
            }
            for row in answers[1].map({ row in
                (line: Line(recipient: row.next(), priority: row.next()), at: row.next(Timestamp.self))
            }) { lastSlots[row.line] = row.at }
        }

        /// Until when the message must wait for its recipient's sake; nil when it may go, which is then noted.
        mutating func slot(of message: Message) -> Timestamp? {
            if let last = claimedAt[message.recipient], last + interval > now {
                let line = Line(recipient: message.recipient, priority: message.priority.rawValue)
                let slot = max(last, lastSlots[line] ?? last) + interval
                lastSlots[line] = slot
                return slot
            }
            claimedAt[message.recipient] = now
            claimedNow.insert(message.recipient)
            return nil
        }

        func store(_ session: Session) throws {
            guard !claimedNow.isEmpty else { return }
            try session.send(Statements.setLastClaims, [channel, SQLArray(claimedNow), now])
        }
    }
#endif
