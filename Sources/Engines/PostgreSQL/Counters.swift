#if PostgreSQL
    import Martlet

    /// What a transaction adds to the maintained numbers.
    ///
    /// A number is the sum of several rows, of which a connection always changes the same one: with a single row, every
    /// transaction would wait for the one before it to be on disk.
    struct Counters {
        private struct Key: Hashable, Comparable {
            var tenant: String
            var channel: String
            var name: String

            static func < (left: Self, right: Self) -> Bool {
                (left.tenant, left.channel, left.name) < (right.tenant, right.channel, right.name)
            }
        }

        private var deltas: [Key: Int] = [:]

        /// - Parameters:
        ///   - tenant: empty for a number over all.
        ///   - channel: empty for a number over all of the tenant's.
        mutating func add(_ delta: Int, _ name: String, tenant: String = "", channel: String = "") {
            deltas[Key(tenant: tenant, channel: channel, name: name), default: 0] += delta
        }

        /// Counts a job in or out of those that wait, by priority over all and by its channel.
        mutating func addWaiting(_ delta: Int, _ message: Message) {
            add(delta, CounterName.waiting(message.priority))
            add(delta, CounterName.waiting, tenant: message.tenantID.text, channel: message.channelID.text)
        }

        /// Counts what a change moves.
        mutating func add(_ change: MessageChange) {
            let (old, new) = (change.before.message, change.after.message)
            if old.status != new.status {
                add(-1, old.status.rawValue, tenant: old.tenantID.text)
                add(1, new.status.rawValue, tenant: new.tenantID.text)
            }
            switch (old.deadLetteredAt == nil, new.deadLetteredAt == nil) {
            case (true, false): add(1, CounterName.deadLetters, tenant: new.tenantID.text)
            case (false, true): add(-1, CounterName.deadLetters, tenant: new.tenantID.text)
            default: break
            }
            switch (change.before.job?.state == .waiting, change.after.job?.state == .waiting) {
            case (false, true): addWaiting(1, new)
            case (true, false): addWaiting(-1, new)
            default: break
            }
        }

        /// Writes them.
        func send(_ session: Session) throws {
            let rows = deltas.filter { $0.value != 0 }.sorted { $0.key < $1.key }
            guard !rows.isEmpty else { return }
            try session.send(
                Statements.count,
                [
                    SQLArray(rows) { $0.key.tenant }, SQLArray(rows) { $0.key.channel }, SQLArray(rows) { $0.key.name },
                    SQLArray(rows) { $0.value },
                ])
        }
    }

    /// What the counters are called. Counts by status carry the status' own name.
    enum CounterName {
        static let deadLetters = "dead_letters"
        /// Jobs that wait, of one channel.
        static let waiting = "waiting"
        /// Webhooks that wait.
        static let inbox = "inbox"

        /// Jobs of one priority that wait, over all channels.
        static func waiting(_ priority: Priority) -> String { "waiting_\(priority.name)" }
    }
#endif
