/// One entry of a message's timeline.
package struct TimelineEvent: Sendable, Equatable {
    package enum Kind: String, Sendable, CaseIterable {
        case accepted, attempt, held, released
        case lookedUp = "looked_up"
        case sent, acknowledged, delivered, read, failed
        case deadLettered = "dead_lettered"
        case replayed, cancelled, expired
    }

    package var id: EventID
    package var messageID: MessageID
    package var kind: Kind
    package var at: Timestamp
    /// The number of the attempt this entry is about, counted since acceptance or the last replay.
    package var attempt: Int?
    /// ``Outcome/name`` of an attempt.
    package var outcome: String?
    package var httpStatus: Int?
    package var durationMilliseconds: Int?
    package var error: String?
    package var detail: String?

    package init(
        id: EventID, messageID: MessageID, kind: Kind, at: Timestamp, attempt: Int? = nil, outcome: String? = nil,
        httpStatus: Int? = nil, durationMilliseconds: Int? = nil, error: String? = nil, detail: String? = nil
    ) {
        self.id = id
        self.messageID = messageID
        self.kind = kind
        self.at = at
        self.attempt = attempt
        self.outcome = outcome
        self.httpStatus = httpStatus
        self.durationMilliseconds = durationMilliseconds
        self.error = error
        self.detail = detail
    }
}

extension [TimelineEvent] {
    /// The entries oldest first. Webhooks are told of late and say when things happened, so the order in which entries were
    /// written is not theirs; it decides between entries of the same moment.
    package func inTimeOrder() -> [TimelineEvent] {
        enumerated().sorted { ($0.element.at, $0.offset) < ($1.element.at, $1.offset) }.map(\.element)
    }
}
