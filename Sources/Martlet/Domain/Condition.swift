/// What a message that is not final is waiting for.
package enum Condition: String, Sendable, CaseIterable {
    case scheduled
    case sending
    case retrying
    case sessionDisconnected = "held: session disconnected"
    case channelPaused = "held: channel paused"
    case providerRateLimit = "held: provider rate limit"
    case providerUnavailable = "held: provider unavailable"
    case channelUnauthorized = "held: channel unauthorized"
    case recipientPace = "held: recipient pace"
    case unknown
    case unconfirmed
}

/// The state of a message's job, as far as a reader of the message needs it.
package struct JobSnapshot: Sendable, Equatable {
    package enum State: Int, Sendable {
        /// Waits for its due time and its turn.
        case waiting = 0
        /// A worker has claimed it.
        case claimed = 1
        /// An attempt's outcome is not known; it is being looked up.
        case unknown = 2
    }

    package var state: State
    package var dueAt: Timestamp
    /// Why the job was put back, and since when.
    package var condition: Condition?
    package var since: Timestamp

    package init(state: State, dueAt: Timestamp, condition: Condition?, since: Timestamp) {
        self.state = state
        self.dueAt = dueAt
        self.condition = condition
        self.since = since
    }
}

extension Message {
    /// Derives what the message waits for from its job and its channel, so that a channel going down is one write, not one
    /// for each waiting message.
    package func condition(channel: Channel?, now: Timestamp) -> (condition: Condition, since: Timestamp)? {
        switch status {
        case .delivered, .read, .failed: return nil
        case .sent:
            guard acknowledgedAt == nil, let sentAt,
                let deadline = channel?.acknowledgementDeadline ?? Channel.defaultAcknowledgementDeadline,
                sentAt + deadline <= now
            else { return nil }
            return (.unconfirmed, sentAt + deadline)
        case .queued:
            guard let job else { return nil }
            switch job.state {
            case .claimed: return (.sending, job.since)
            case .unknown: return (.unknown, job.since)
            case .waiting:
                if let sendAt, sendAt > now, attempts == 0 { return (.scheduled, createdAt) }
                if let channel, let held = channel.status.holdCondition {
                    return (held, max(channel.statusSince, createdAt))
                }
                if let condition = job.condition, job.dueAt > now || condition != .retrying {
                    return (condition, job.since)
                }
                return attempts > 0 ? (.retrying, job.since) : nil
            }
        }
    }
}
