/// Where accepted messages wait until a worker claims them, and where it settles what came of each attempt.
///
/// A worker may send only what ``claim(_:worker:now:leaseUntil:)`` gave it. A claim carries a token; settling with a token
/// that is not the job's newest changes nothing, so a worker that was thought dead cannot overwrite its successor's work.
package protocol DispatchQueue: Sendable {
    /// For every channel with waiting jobs, when its first is due (which may be in the past).
    func nextDue() async throws(StoreError) -> [ChannelID: Timestamp]

    /// Claims due jobs: of each channel up to the limit, high priority first, then the longest due first. On return the claims
    /// are on disk. Jobs past their expiry are not claimed but failed as `expired`. Where the channel has a recipient
    /// interval, a job whose recipient was claimed for less than that ago is put off until then (`held: recipient pace`).
    /// Costs what it returns, however many jobs wait.
    func claim(_ requests: [ClaimRequest], worker: String, now: Timestamp, leaseUntil: Timestamp)
        async throws(StoreError) -> [ClaimBatch]

    /// Stores what came of attempts, one transaction for the batch: the attempt in the timeline, the message's status and
    /// counters, and the job gone, put back or set to `unknown`. Results in the order of the batch; nil where the token was old
    /// or the claim is settled. Only `sent` is taken, too, from the newest claim of a job that has become `unknown` meanwhile: the
    /// worker was slow, not dead, and what it knows spares a second send.
    func settle(_ batch: [Settlement], now: Timestamp) async throws(StoreError) -> [Message?]

    /// Extends the leases of everything this worker has claimed.
    func renewLeases(worker: String, until: Timestamp) async throws(StoreError)

    /// Turns other workers' claims whose lease has run out into unknown outcomes (the dead worker may have sent), at most that
    /// many; with `includingUnexpired`, whatever their leases say, for engines that only one process may use. The asking
    /// worker's own claims are left alone: it knows what became of them, even when the clock was set forward. The attempt
    /// is written to the timeline as unknown and counted. Answers how many.
    func recoverLeases(now: Timestamp, worker: String, includingUnexpired: Bool, decideAt: Timestamp, limit: Int)
        async throws(StoreError) -> Int

    /// Fails waiting jobs that are past their expiry, at most that many. Answers the failed messages.
    func expire(now: Timestamp, limit: Int) async throws(StoreError) -> [Message]

    /// When the channel's attempts were claimed, from that time on, oldest first, at most the newest `limit`: what fills the
    /// rate windows again after a restart. It is kept for as long as ``Maintenance/purge(now:keepingClaimsFor:limit:)`` is told.
    func claimHistory(channel: ChannelID, since: Timestamp, limit: Int) async throws(StoreError) -> [Timestamp]
}

package struct ClaimRequest: Sendable {
    package var channel: ChannelID
    package var limit: Int
    package var recipientInterval: Duration?

    package init(channel: ChannelID, limit: Int, recipientInterval: Duration? = nil) {
        self.channel = channel
        self.limit = limit
        self.recipientInterval = recipientInterval
    }
}

/// What was claimed of one channel.
package struct ClaimBatch: Sendable {
    package var channel: ChannelID
    package var claims: [Claim]
    /// Messages that were found expired on the way, as failed.
    package var expired: [Message]
    /// When the channel's first remaining job is due; nil when none waits.
    package var nextDueAt: Timestamp?

    package init(channel: ChannelID, claims: [Claim], expired: [Message], nextDueAt: Timestamp?) {
        self.channel = channel
        self.claims = claims
        self.expired = expired
        self.nextDueAt = nextDueAt
    }
}

/// The right to make one attempt.
package struct Claim: Sendable {
    package var message: Message
    /// Fences the claim: it grows with each claim of the job.
    package var token: Int64

    package init(message: Message, token: Int64) {
        self.message = message
        self.token = token
    }

    /// The number of the attempt this claim allows.
    package var attempt: Int { message.attempts + 1 }
}

/// What is to be stored of a claim.
package struct Settlement: Sendable {
    package var message: MessageID
    package var token: Int64
    /// The number the attempt had.
    package var attempt: Int
    /// Nil when nothing was tried: the claim is given back.
    package var report: AttemptReport?
    package var disposition: Disposition

    package init(message: MessageID, token: Int64, attempt: Int, report: AttemptReport?, disposition: Disposition) {
        self.message = message
        self.token = token
        self.attempt = attempt
        self.report = report
        self.disposition = disposition
    }
}

/// What becomes of a message after an attempt.
package enum Disposition: Sendable, Equatable {
    /// Status `sent`, the job gone; with `lookUpAt`, the provider is asked about it from then on. When `messageID` is known,
    /// acknowledgements parked for it are applied at once.
    case sent(submissionID: String, messageID: String?, lookUpAt: Timestamp?)
    /// The attempt counts; the next is due then.
    case retry(at: Timestamp)
    /// The attempt does not count; due again then, and this is why.
    case hold(until: Timestamp, Condition)
    /// The attempt counts; its outcome is looked up from `lookUpAt` on (nil: only webhooks can tell) until `decideAt`.
    case unknown(lookUpAt: Timestamp?, decideAt: Timestamp)
    /// The attempt counts; failed, and in the dead-letter queue where the reason says so.
    case fail(ErrorReason)
    /// Nothing was tried; waiting as before.
    case release
}
