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
    /// The entries oldest first, given in the order in which they were written. That order is right but for what a provider
    /// tells: it says late when something happened, after the answer to a look-up, say. Such an entry moves to its place;
    /// no other does, so that a clock that was set back between two runs does not turn a life round.
    package func inTimeOrder() -> [TimelineEvent] {
        reduce(into: []) { ordered, entry in
            var position = ordered.endIndex
            if entry.kind.isToldByProvider {
                while position > 0, ordered[position - 1].at > entry.at,
                    ordered[position - 1].kind.isToldByProvider || ordered[position - 1].kind == .lookedUp
                {
                    position -= 1
                }
            }
            ordered.insert(entry, at: position)
        }
    }
}

extension TimelineEvent.Kind {
    fileprivate var isToldByProvider: Bool { self == .acknowledged || self == .delivered || self == .read }
}
