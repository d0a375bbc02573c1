/// Which echo, if any, tells the id of a message whose outcome is unknown.
///
/// An engine selects what may answer; what does is decided here. An echo of the same words to the same recipient is taken
/// only where nothing else can have caused it: a wrong id would give a message the news of another.
package struct EchoQuestion: Sendable {
    /// An echo may come a little before the attempt began, by clocks that differ.
    private static let clockTolerance: Duration = .seconds(5)
    /// Messages to one recipient that are compared, at most; with more, no echo is trusted.
    private static let unboundMax = 200
    /// How many of the messages that ``answer(echoes:unbound:)`` looks at an engine need select, at most.
    package static let unboundLimit = unboundMax + 1

    private let message: Message
    /// What the echo must say.
    package let text: String
    /// What came before, or tells of a time before, is of an earlier send.
    package let earliest: Timestamp

    /// Nil for a message that says nothing an echo repeats, or that was never tried.
    package init?(about message: Message, job: Job?) {
        guard let text = message.payload.visibleText, let startedAt = job?.attemptStartedAt else { return nil }
        self.message = message
        self.text = text
        earliest = startedAt - Self.clockTolerance
    }

    /// The id in the one unbound echo, when no other message that has no id may have said the same to the same recipient.
    /// - Parameters:
    ///   - echoes: the ids that came with such words from the message's channel, to its recipient, at ``earliest`` or
    ///     later; more than two need not be named.
    ///   - unbound: messages of the channel to the recipient that have no id, this one among them, with all they say and
    ///     their jobs' snapshots. Those that cannot have been sent may be left out.
    package func answer(echoes: [String], unbound: [Message]) -> String? {
        guard echoes.count == 1 else { return nil }
        let sent = unbound.filter(Self.mayHaveBeenSent)
        guard sent.count <= Self.unboundMax else { return nil }
        // One whose words have been redacted may have said the same.
        let isAmbiguous = sent.contains { other in
            other.id != message.id && (other.payload.content.isEmpty || other.payload.visibleText == text)
        }
        return isAmbiguous ? nil : echoes[0]
    }

    /// One that is final may be without an id for good: a look-up told how it ended, or nobody ever knew.
    private static func mayHaveBeenSent(_ message: Message) -> Bool {
        switch message.status {
        case .sent, .delivered, .read: true
        case .failed: message.attempts > 0
        case .queued: message.job?.state != .waiting || message.duplicateRisk
        }
    }
}
