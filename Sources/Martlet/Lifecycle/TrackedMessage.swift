/// Everything the rules of a message's life look at.
package struct TrackedMessage: Sendable, Equatable {
    /// The message; its own ``Message/job`` is not used here. An engine may leave the payload's content, the event and the
    /// metadata empty: no rule looks into them.
    package var message: Message
    package var job: Job?
    /// The token of the last claim of a job that is gone, so that the next job's tokens go on from there.
    package var claimToken: Int64

    package init(message: Message, job: Job?, claimToken: Int64) {
        self.message = message
        self.job = job
        self.claimToken = claimToken
    }
}

/// The work that a queued message stands for.
package struct Job: Sendable, Equatable {
    package var state: JobSnapshot.State
    package var dueAt: Timestamp
    /// The number of the last claim.
    package var token: Int64
    package var worker: String?
    package var leaseUntil: Timestamp?
    /// Why the job waits or last waited; a claim leaves it, so that the next hold can tell whether anything is new.
    package var condition: Condition?
    /// Since when the job waits for that, or its outcome is unknown.
    package var since: Timestamp
    /// When the newest attempt was claimed or, for an unknown outcome, began.
    package var attemptStartedAt: Timestamp?
    /// The timeline says `held` and not yet `released`.
    package var isHeld = false

    /// A job that waits.
    package init(dueAt: Timestamp, token: Int64, since: Timestamp) {
        state = .waiting
        self.dueAt = dueAt
        self.token = token
        self.since = since
    }

    /// What a reader of the message sees of it.
    package var snapshot: JobSnapshot {
        JobSnapshot(
            state: state, dueAt: dueAt, condition: condition,
            since: state == .claimed ? attemptStartedAt ?? since : since)
    }
}
