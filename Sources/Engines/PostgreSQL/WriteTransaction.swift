#if PostgreSQL
    import Martlet

    /// One call's transaction: messages are read under lock, changed by the core's rules, and the differences are gathered
    /// until ``flush()`` writes them with a statement for each table. Used on the connection's thread only.
    final class WriteTransaction {
        let session: Session
        private var counters = Counters()
        private var deletedChannels: [ChannelID: Bool] = [:]
        private var changes = PendingChanges()
        private let writesOutbox: Bool

        init(_ session: Session, writesOutbox: Bool) {
            self.session = session
            self.writesOutbox = writesOutbox
        }

        // MARK: Reading under lock

        /// Keeps channels from being removed until the transaction ends: whoever may leave a message waiting calls it first.
        func keepChannels() throws {
            try session.send(
                "SELECT pg_advisory_xact_lock_shared(\(AdvisoryLock.key), \(AdvisoryLock.channels.rawValue))")
        }

        /// The messages and their jobs, locked until the transaction ends. All who lock do so in the order of the ids, the log
        /// before the jobs, so that no two wait for each other.
        func load(_ ids: some Collection<MessageID>) throws -> [MessageID: StoredMessage] {
            guard !ids.isEmpty else { return [:] }
            let array = SQLArray(Set(ids).sorted())
            try session.request(Statements.lockMessages, [array])
            try session.request(Statements.lockJobs, [array])
            let results = try session.collect()
            return try Self.messages(log: results[0], jobs: results[1])
        }

        /// The message and its job, locked, or nil.
        func load(_ id: MessageID) throws -> StoredMessage? { try load(CollectionOfOne(id))[id] }

        /// Puts the rows of the log and of the jobs together.
        static func messages(log: ResultSet, jobs: ResultSet) throws -> [MessageID: StoredMessage] {
            var messages: [MessageID: StoredMessage] = [:]
            for stored in try log.map({ try StoredMessage(log: &$0) }) { messages[stored.message.id] = stored }
            let pairs = try jobs.map { row in (id: row.next(MessageID.self), job: try Job(&row)) }
            for pair in pairs { messages[pair.id]?.record.job = pair.job }
            return messages
        }

        /// Which of the channels were removed; what still comes for one of them cannot wait for anybody.
        private func deleted(among channels: Set<ChannelID>) throws -> Set<ChannelID> {
            let unknown = channels.filter { deletedChannels[$0] == nil }
            if !unknown.isEmpty {
                let found = Set(
                    try session.query(Statements.deletedChannels, [SQLArray(unknown)]).map { $0.next(ChannelID.self) })
                for channel in unknown { deletedChannels[channel] = found.contains(channel) }
            }
            return channels.filter { deletedChannels[$0] == true }
        }

        // MARK: Counters

        func count(_ name: String, tenant: String = "", channel: String = "", by delta: Int) {
            counters.add(delta, name, tenant: tenant, channel: channel)
        }

        // MARK: Changes

        /// Stores messages that come in, each with its job. Answers those that failed at once because their channel is gone.
        func insert(_ messages: [StoredMessage], now: Timestamp) throws -> [MessageID: StoredMessage] {
            let gone = try deleted(among: Set(messages.map(\.message.channelID)))
            var failed: [MessageID: StoredMessage] = [:]
            for stored in messages {
                changes.insert(stored)
                changes.note(MessageChange.Entry(kind: .accepted, at: now), of: stored.message.id)
                counters.add(1, MessageStatus.queued.rawValue, tenant: stored.message.tenantID.text)
                counters.addWaiting(1, stored.message)
                if gone.contains(stored.message.channelID) {
                    var change = MessageChange(stored.record, now: now)
                    change.fail(ErrorReason(.channelDeleted))
                    failed[stored.message.id] = record(change, of: stored)
                }
            }
            return failed
        }

        /// Changes messages by a rule and gathers what is to be stored. A newly known id first applies what was parked for it;
        /// a job that would wait for a channel that is gone fails instead.
        /// - Parameters:
        ///   - rule: false, and nothing is stored of it, when it changes nothing.
        ///   - afterParked: what else is to be done when what was parked has been applied.
        /// - returns: the changed messages, nil where the rule said no.
        @discardableResult
        func change(
            _ messages: [StoredMessage], now: Timestamp, _ rule: (inout MessageChange, Int) throws -> Bool,
            afterParked: (inout MessageChange, Int) -> Void = { _, _ in }
        ) throws -> [StoredMessage?] {
            var applied: [MessageChange?] = []
            for (index, stored) in messages.enumerated() {
                var change = MessageChange(stored.record, now: now)
                applied.append(try rule(&change, index) ? change : nil)
            }
            let parked = try bind(applied.compactMap(\.self), now: now)
            for index in applied.indices {
                guard var change = applied[index] else { continue }
                for acknowledgement in parked[change.before.message.id] ?? [] {
                    change.acknowledge(acknowledgement.level, at: acknowledgement.at, detail: acknowledgement.detail)
                }
                afterParked(&change, index)
                applied[index] = change
            }
            let waiting = applied.compactMap(\.self).filter { change in
                change.after.job?.state == .waiting && change.before.job?.state != .waiting
            }
            let gone = try deleted(among: Set(waiting.map(\.after.message.channelID)))
            return applied.enumerated().map { index, applied in
                guard var change = applied else { return nil }
                if change.after.job?.state == .waiting, change.before.job?.state != .waiting,
                    gone.contains(change.after.message.channelID)
                {
                    change.fail(ErrorReason(.channelDeleted))
                }
                return record(change, of: messages[index])
            }
        }

        private struct Parked {
            var level: AcknowledgementLevel
            var at: Timestamp
            var detail: String?
        }

        /// Notes whose the newly known ids are and takes what was parked for them, in the order in which it must have happened:
        /// each step then stands in the timeline.
        private func bind(_ applied: [MessageChange], now: Timestamp) throws -> [MessageID: [Parked]] {
            var bound: [ProviderID: MessageID] = [:]
            for change in applied {
                guard let messageID = change.boundMessageID else { continue }
                bound[ProviderID(channel: change.after.message.channelID, messageID: messageID)] =
                    change.before.message.id
            }
            guard !bound.isEmpty else { return [:] }
            let keys = bound.keys.sorted()
            let arguments: [(any SQLArgument)?] = [
                SQLArray(keys) { $0.messageID }, SQLArray(keys) { $0.channel },
            ]
            try session.send(Statements.bindProviderIDs, arguments + [SQLArray(keys) { bound[$0] }])
            let rows = try session.query(
                Statements.takeParked, arguments + [now - PostgreSQLStore.parkedAcknowledgementAge]
            ).map { row in
                (
                    id: ProviderID(messageID: row.next(), channel: row.next()), level: row.next(Int.self),
                    at: row.next(Timestamp.self), detail: row.nextIfAny(String.self), order: row.next(Int64.self),
                    isFresh: row.next(Bool.self)
                )
            }
            var parked: [MessageID: [Parked]] = [:]
            // By level, a failure (which is level 0) last.
            for row in rows.sorted(by: {
                ($0.level == 0 ? 1 : 0, $0.level, $0.order) < ($1.level == 0 ? 1 : 0, $1.level, $1.order)
            })
            where row.isFresh {
                guard let message = bound[row.id], let level = AcknowledgementLevel(rawValue: row.level) else {
                    continue
                }
                parked[message, default: []].append(Parked(level: level, at: row.at, detail: row.detail))
            }
            return parked
        }

        /// Gathers a change; ``flush()`` stores it.
        private func record(_ change: MessageChange, of stored: StoredMessage) -> StoredMessage {
            let after = StoredMessage(stored, after: change)
            changes.update(stored, to: after, lookUp: change.lookUp)
            for entry in change.entries { changes.note(entry, of: stored.message.id) }
            counters.add(change)
            return after
        }

        /// Writes what was gathered. The counters go last, in order: they are the rows that everybody wants.
        func flush() throws {
            try changes.send(session, writesOutbox: writesOutbox)
            changes = PendingChanges()
            try counters.send(session)
            counters = Counters()
        }

        /// Writes the changed messages, but not yet the counters: what follows in the transaction then sees them.
        func flushMessages() throws {
            try changes.send(session, writesOutbox: writesOutbox)
            changes = PendingChanges()
        }
    }

    /// What a provider calls a message, in one channel.
    struct ProviderID: Hashable, Comparable {
        var messageID: String
        var channel: ChannelID

        init(channel: ChannelID, messageID: String) {
            self.messageID = messageID
            self.channel = channel
        }

        init(messageID: String, channel: ChannelID) { self.init(channel: channel, messageID: messageID) }

        /// By bytes, as the database compares them, so that all lock in one order.
        static func < (left: Self, right: Self) -> Bool {
            if left.messageID != right.messageID {
                return left.messageID.utf8.lexicographicallyPrecedes(right.messageID.utf8)
            }
            return left.channel < right.channel
        }
    }
#endif
