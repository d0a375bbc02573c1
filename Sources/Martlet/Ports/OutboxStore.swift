/// A store that notes, in the transaction that makes a job wait, that word of it is to go out to a broker.
package protocol OutboxStore: DispatchQueue {
    /// What is to be published: jobs that are due before then, and dead letters; at most that many. Most are the first due; some
    /// are the last that became due, so that nobody waits behind all that a neighbour left there.
    /// Nothing is taken out by it: entries are ``removeFromOutbox(_:)``'d when the broker has them, so that what was published
    /// by a process that then died is published again.
    func outbox(dueBefore: Timestamp, now: Timestamp, limit: Int) async throws(StoreError) -> [OutboxEntry]

    /// Takes entries out that are published.
    func removeFromOutbox(_ numbers: [Int64]) async throws(StoreError)

    /// Entries that wait to be published, due or not.
    func outboxDepth() async throws(StoreError) -> Int

    /// ``DispatchQueue/claim(_:worker:now:leaseUntil:)`` of certain messages of each channel. One that is not waiting, or not
    /// due, is passed over, and one that is named twice is claimed once. When more of a channel is due is not told.
    func claim(
        _ requests: [ClaimRequest], among messages: [ChannelID: [MessageID]], worker: String, now: Timestamp,
        leaseUntil: Timestamp
    ) async throws(StoreError) -> [ClaimBatch]
}

package struct OutboxEntry: Sendable, Equatable {
    package enum Content: Sendable, Equatable {
        case job(JobNotice)
        case deadLetter(DeadLetterNotice)
        /// The job has been claimed, has ended or is due at another time: nobody need hear of it.
        case outdated
    }

    package var number: Int64
    package var content: Content

    package init(number: Int64, content: Content) {
        self.number = number
        self.content = content
    }
}
