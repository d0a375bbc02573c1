#if PostgreSQL
    import Martlet

    /// What a transaction changes in messages, gathered so that each table is written with one statement, whatever the number of
    /// messages.
    struct PendingChanges {
        private struct Pending {
            /// As the database has it; nil for a message that is new.
            var original: StoredMessage?
            var current: StoredMessage
            var lookUp = MessageChange.LookUpChange.keep
        }

        /// Channels that are named when the relay is told of new entries, at most; one word is enough to wake it.
        private static let toldMax = 20

        private var pending: [MessageID: Pending] = [:]
        /// In the order of their first change.
        private var order: [MessageID] = []
        private var entries: [(message: MessageID, entry: MessageChange.Entry)] = []
        /// Ids that come in twice, which the database is to refuse.
        private var twins: [StoredMessage] = []

        mutating func insert(_ stored: StoredMessage) {
            guard pending[stored.message.id] == nil else { return twins.append(stored) }
            pending[stored.message.id] = Pending(original: nil, current: stored)
            order.append(stored.message.id)
        }

        mutating func update(_ stored: StoredMessage, to after: StoredMessage, lookUp: MessageChange.LookUpChange) {
            let id = stored.message.id
            if pending[id] == nil {
                pending[id] = Pending(original: stored, current: stored)
                order.append(id)
            }
            pending[id]?.current = after
            if lookUp != .keep { pending[id]?.lookUp = lookUp }
        }

        mutating func note(_ entry: MessageChange.Entry, of message: MessageID) { entries.append((message, entry)) }

        /// Hands the statements over; rows in the order of their ids, as all write them.
        /// - parameter writesOutbox: whether jobs that wait and dead letters are noted for a broker.
        func send(_ session: Session, writesOutbox: Bool) throws {
            let all = order.compactMap { pending[$0] }.sorted { $0.current.message.id < $1.current.message.id }
            let new = all.filter { $0.original == nil }.map(\.current) + twins
            if !new.isEmpty { try sendMessages(new, session) }
            let changed = all.filter { pending in
                guard let original = pending.original else { return false }
                return original.message != pending.current.message
                    || original.json.payload != pending.current.json.payload
                    || original.record.claimToken != pending.current.record.claimToken
            }
            if !changed.isEmpty { try sendChanges(changed, session) }
            // A message that is sent again is no longer what the provider called so.
            let unbound = changed.filter {
                $0.original?.message.messageID != nil && $0.current.message.messageID == nil
            }
            if !unbound.isEmpty {
                try session.send(
                    Statements.unbindProviderIDs,
                    [
                        SQLArray(unbound) { $0.original?.message.messageID },
                        SQLArray(unbound) { $0.current.message.channelID }, SQLArray(unbound) { $0.current.message.id },
                    ])
            }
            try sendJobs(all, session)
            if writesOutbox { try sendOutbox(all, session) }
            try sendLookUps(all, session)
            if !entries.isEmpty { try sendEntries(session) }
        }

        private func sendMessages(_ new: [StoredMessage], _ session: Session) throws {
            try session.send(
                Statements.insertMessages,
                [
                    SQLArray(new) { $0.message.id }, SQLArray(new) { $0.message.tenantID },
                    SQLArray(new) { $0.message.channelID }, SQLArray(new) { $0.message.recipient },
                    SQLArray(new) { $0.message.payload.kind.rawValue }, SQLArray(new) { $0.json.payload },
                    SQLArray(new) { $0.message.status.rawValue }, SQLArray(new) { $0.message.errorReason },
                    SQLArray(new) { $0.message.deadLetteredAt }, SQLArray(new) { $0.message.duplicateRisk },
                    SQLArray(new) { $0.message.priority.rawValue }, SQLArray(new) { $0.message.sendAt },
                    SQLArray(new) { $0.message.expiresAt }, SQLArray(new) { $0.message.onUnknown.rawValue },
                    SQLArray(new) { $0.message.redact }, SQLArray(new) { $0.message.idempotencyKey },
                    SQLArray(new) { $0.json.event }, SQLArray(new) { $0.json.metadata },
                    SQLArray(new) { $0.message.createdAt }, SQLArray(new) { $0.message.updatedAt },
                    SQLArray(new) { $0.message.failedAt }, SQLArray(new) { $0.record.claimToken },
                ])
        }

        private func sendChanges(_ changed: [Pending], _ session: Session) throws {
            func column<Value: SQLElement>(_ value: (StoredMessage) -> Value?) -> SQLArray {
                SQLArray(changed) { value($0.current) }
            }
            try session.send(
                Statements.updateMessages,
                [
                    column { $0.message.id }, column { $0.message.recipient },
                    column { $0.message.payload.kind.rawValue },
                    SQLArray(changed) {
                        $0.current.json.payload == $0.original?.json.payload ? nil : $0.current.json.payload
                    },
                    column { $0.message.status.rawValue }, column { $0.message.messageID },
                    column { $0.message.submissionID }, column { $0.message.attempts },
                    column { $0.message.errorReason }, column { $0.message.deadLetteredAt },
                    column { $0.message.duplicateRisk }, column { $0.message.expiresAt },
                    column { $0.message.updatedAt },
                    column { $0.message.sentAt }, column { $0.message.acknowledgedAt },
                    column { $0.message.deliveredAt }, column { $0.message.readAt }, column { $0.message.failedAt },
                    column { $0.record.claimToken },
                ])
        }

        private func sendJobs(_ all: [Pending], _ session: Session) throws {
            func columns(_ rows: [StoredMessage]) -> [(any SQLArgument)?] {
                [
                    SQLArray(rows) { $0.message.id }, SQLArray(rows) { $0.job?.state.rawValue },
                    SQLArray(rows) { $0.job?.dueAt }, SQLArray(rows) { $0.job?.token },
                    SQLArray(rows) { $0.job?.worker },
                    SQLArray(rows) { $0.job?.leaseUntil }, SQLArray(rows) { $0.job?.condition?.rawValue },
                    SQLArray(rows) { $0.job?.since }, SQLArray(rows) { $0.job?.attemptStartedAt },
                    SQLArray(rows) { $0.job?.isHeld },
                ]
            }
            let gone = all.filter { $0.original?.job != nil && $0.current.job == nil }.map(\.current)
            if !gone.isEmpty { try session.send(Statements.deleteJobs, [SQLArray(gone) { $0.message.id }]) }
            let changed = all.filter { pending in
                pending.original?.job != nil && pending.current.job != nil
                    && pending.original?.job != pending.current.job
            }.map(\.current)
            if !changed.isEmpty { try session.send(Statements.updateJobs, columns(changed)) }
            let new = all.filter { $0.original?.job == nil && $0.current.job != nil }.map(\.current)
            if !new.isEmpty {
                try session.send(
                    Statements.insertJobs,
                    columns(new) + [
                        SQLArray(new) { $0.message.channelID }, SQLArray(new) { $0.message.recipient },
                        SQLArray(new) { $0.message.priority.rawValue }, SQLArray(new) { $0.message.expiresAt },
                    ])
            }
        }

        private func sendOutbox(_ all: [Pending], _ session: Session) throws {
            let waiting = all.filter { pending in
                guard let job = pending.current.job, job.state == .waiting else { return false }
                return pending.original?.job?.state != .waiting || pending.original?.job?.dueAt != job.dueAt
            }
            let letters = all.filter {
                $0.current.message.deadLetteredAt != nil && $0.original?.message.deadLetteredAt == nil
            }
            let entries =
                waiting.map { (kind: OutboxKind.job, of: $0.current, at: $0.current.job?.dueAt) }
                + letters.map { (kind: .deadLetter, of: $0.current, at: $0.current.message.deadLetteredAt) }
            guard !entries.isEmpty else { return }
            try session.send(
                Statements.insertOutbox,
                [
                    SQLArray(entries) { $0.kind.rawValue }, SQLArray(entries) { $0.of.message.id },
                    SQLArray(entries) { $0.of.message.channelID },
                    SQLArray(entries) { $0.of.message.priority.rawValue },
                    SQLArray(entries) { $0.at },
                    // A reason's detail may quote the provider; its code is enough to find the message by.
                    SQLArray(entries) {
                        $0.kind == .job ? nil : ErrorReason.Code.known(in: $0.of.message.errorReason)?.text
                    },
                ])
            // Whoever publishes it is told with the commit.
            for channel in Set(entries.map(\.of.message.channelID)).sorted().prefix(Self.toldMax) {
                try session.send("SELECT pg_notify(\(WakeUp.topic), $1)", [WakeUp.due(channel).text])
            }
        }

        private func sendLookUps(_ all: [Pending], _ session: Session) throws {
            let gone = all.filter { $0.original != nil && $0.lookUp == .remove }.map(\.current.message.id)
            if !gone.isEmpty { try session.send(Statements.deleteLookUps, [SQLArray(gone)]) }
            let scheduled = all.compactMap { pending in
                if case .schedule(let purpose, let at, let tries, let attemptStartedAt) = pending.lookUp {
                    (
                        message: pending.current.message, purpose: purpose.rawValue, at: at, tries: tries,
                        attemptStartedAt: attemptStartedAt
                    )
                } else {
                    nil
                }
            }
            if !scheduled.isEmpty {
                try session.send(
                    Statements.scheduleLookUps,
                    [
                        SQLArray(scheduled) { $0.message.id }, SQLArray(scheduled) { $0.message.channelID },
                        SQLArray(scheduled) { $0.purpose }, SQLArray(scheduled) { $0.at },
                        SQLArray(scheduled) { $0.tries }, SQLArray(scheduled) { $0.attemptStartedAt },
                    ])
            }
        }

        private func sendEntries(_ session: Session) throws {
            try session.send(
                Statements.insertEvents,
                [
                    SQLArray(entries) { $0.message }, SQLArray(entries) { $0.entry.kind.rawValue },
                    SQLArray(entries) { $0.entry.at }, SQLArray(entries) { $0.entry.attempt },
                    SQLArray(entries) { $0.entry.outcome }, SQLArray(entries) { $0.entry.httpStatus },
                    SQLArray(entries) { $0.entry.durationMilliseconds }, SQLArray(entries) { $0.entry.error },
                    SQLArray(entries) { $0.entry.detail },
                ])
        }
    }
#endif
