/// What came of one attempt to send. The class decides what happens next; the provider's module decides the class.
package enum Outcome: Sendable, Equatable {
    /// The provider took the message.
    /// - submissionID: what the provider answered to the send.
    /// - messageID: what its webhooks call the message, where that is known already.
    case accepted(submissionID: String, messageID: String?)
    /// Refused for good; no retry helps.
    case rejected(ErrorReason)
    /// Too fast. The channel pauses for that long, where the provider said how long. Costs no attempt.
    case throttled(retryAfter: Duration?, detail: String)
    /// The WhatsApp session behind the channel is down. Costs no attempt.
    case sessionDown(detail: String)
    /// The credentials are refused, or the account may not send. Costs no attempt.
    case unauthorized(detail: String)
    /// Did not work and was surely not taken; a later try may work.
    case transient(detail: String, retryAfter: Duration?)
    /// Nobody can say whether the provider took it.
    case unknown(detail: String)

    /// The name in timelines and metrics.
    package var name: String {
        switch self {
        case .accepted: "accepted"
        case .rejected: "rejected"
        case .throttled: "throttled"
        case .sessionDown: "session_down"
        case .unauthorized: "unauthorized"
        case .transient: "transient"
        case .unknown: "unknown"
        }
    }

    /// The provider's words, for everything but an acceptance.
    package var detail: String? {
        switch self {
        case .accepted: nil
        case .rejected(let reason): reason.description
        case .throttled(_, let detail), .sessionDown(let detail), .unauthorized(let detail),
            .transient(let detail, _), .unknown(let detail):
            detail
        }
    }
}

/// One attempt as the timeline shows it.
package struct AttemptReport: Sendable, Equatable {
    package var outcome: Outcome
    /// The HTTP status the provider answered with, if it answered.
    package var httpStatus: Int?
    package var startedAt: Timestamp
    package var duration: Duration

    package init(outcome: Outcome, httpStatus: Int?, startedAt: Timestamp, duration: Duration) {
        self.outcome = outcome
        self.httpStatus = httpStatus
        self.startedAt = startedAt
        self.duration = duration
    }
}
