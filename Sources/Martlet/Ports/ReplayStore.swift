/// Bulk replays and how far they are.
///
/// A job walks the dead letters that met its filter when it began, in an order that nothing changes, from its cursor on. The
/// cursor moves in the same transaction that queues the messages, so that a crash neither skips nor doubles one.
package protocol ReplayStore: Sendable {
    /// Counts the tenant's dead letters that meet the filter, and those of them that are past their expiry.
    func countDeadLetters(_ filter: DeadLetterFilter, tenant: TenantID, now: Timestamp) async throws(StoreError)
        -> DeadLetterCount

    /// Stores a job that begins. False, and nothing is stored, when the tenant has that many running already.
    func insert(_ job: ReplayJob, runningMax: Int) async throws(StoreError) -> Bool

    /// The tenant's job, or nil.
    func replayJob(_ id: ReplayID, tenant: TenantID) async throws(StoreError) -> ReplayJob?

    /// Ends a running job; what it has queued stays queued.
    func cancelReplayJob(_ id: ReplayID, tenant: TenantID, now: Timestamp) async throws(StoreError)
        -> ReplayCancellation

    /// The running jobs that are this worker's from now until the lease ends, by id: its own, nobody's, and those whose lease
    /// has run out; with `takingOver`, whosever they were, for engines that only one process may use.
    func claimReplayJobs(worker: String, now: Timestamp, leaseUntil: Timestamp, takingOver: Bool)
        async throws(StoreError) -> [ReplayJob]

    /// The next dead letters behind the job's cursor, at most that many; fewer when there are no more. Costs what it returns
    /// (and, with a filter by reason, the dead letters it passes over), however many were dealt with before.
    func deadLetters(of job: ReplayJob, limit: Int) async throws(StoreError) -> [Message]

    /// Does what was decided on those letters and moves the cursor behind them, in one transaction. A letter that the job does
    /// not take any more (see ``ReplayJob/takes(_:)``) is counted as skipped. Nil, and nothing is stored, when the job does not
    /// run any more, is another worker's, or is not where the step began.
    func advance(_ step: ReplayStep, now: Timestamp) async throws(StoreError) -> ReplayAdvance?
}

package enum ReplayCancellation: Sendable, Equatable {
    case cancelled(ReplayJob)
    case notFound
    /// It had ended before.
    case over(ReplayJob)
}

/// What is to become of some dead letters of a bulk replay.
package struct ReplayStep: Sendable {
    package enum Decision: Sendable, Equatable {
        case replay(Correction)
        case skip
        /// It cannot be replayed, for that reason, and stays where it is.
        case fail(String)
    }

    package struct Item: Sendable, Equatable {
        package var message: MessageID
        package var decision: Decision

        package init(message: MessageID, decision: Decision) {
            self.message = message
            self.decision = decision
        }
    }

    package var job: ReplayID
    package var worker: String
    /// The job's cursor when the letters were read.
    package var cursor: MessageID?
    /// In the order in which the letters were read.
    package var items: [Item]
    /// No letters are left behind these.
    package var isLast: Bool
    package var leaseUntil: Timestamp

    package init(
        job: ReplayID, worker: String, cursor: MessageID?, items: [Item], isLast: Bool, leaseUntil: Timestamp
    ) {
        self.job = job
        self.worker = worker
        self.cursor = cursor
        self.items = items
        self.isLast = isLast
        self.leaseUntil = leaseUntil
    }
}

/// What a step did.
package struct ReplayAdvance: Sendable {
    package var job: ReplayJob
    /// The messages that were queued again, as they now are.
    package var replayed: [Message]

    package init(job: ReplayJob, replayed: [Message]) {
        self.job = job
        self.replayed = replayed
    }
}
