/// What is known of messages beyond the answer to their send: acknowledgements, look-ups, unknown outcomes.
package protocol ReconciliationStore: Sendable {
    /// Applies what a provider said of messages, in order, in one transaction. One whose message is not known yet is parked
    /// (and, with its recipient and text, kept as an echo) until ``settleLookUps(_:now:)`` or a settlement binds the id, or
    /// until it is a day old. What was parked is applied in the order of the levels, a failure last. Answers the messages that changed; a repeated or late acknowledgement changes nothing.
    func apply(_ acknowledgements: [Acknowledgement], now: Timestamp) async throws(StoreError) -> [Message]

    /// Takes due look-ups for one worker, at most that many of each channel, none of the channels to leave out.
    func claimLookUps(limit: Int, perChannel: Int, except: Set<ChannelID>, now: Timestamp, leaseUntil: Timestamp)
        async throws(StoreError) -> [LookUp]

    /// Stores what look-ups found. Binding an id applies what was parked for it. A submission that was found for an unknown
    /// outcome but belongs to another message of the channel already is none: see ``LookUpSettlement/withoutFinding(now:)``.
    /// Answers the messages that changed.
    func settleLookUps(_ batch: [LookUpSettlement], now: Timestamp) async throws(StoreError) -> [Message]

    /// When the first look-up is due, and when the first unknown outcome must be decided.
    func nextReconciliation() async throws(StoreError) -> (lookUpAt: Timestamp?, decideAt: Timestamp?)

    /// Messages whose outcome is unknown and whose time for looking up is over, with the number of unbound echoes that fit
    /// each and that nothing else claims.
    func undecided(now: Timestamp, limit: Int) async throws(StoreError) -> [Undecided]

    /// Stores decisions on unknown outcomes; one that has been settled meanwhile is left alone. Answers the changed messages.
    func decide(_ decisions: [Decision], now: Timestamp) async throws(StoreError) -> [Message]
}

/// What a provider says of one message.
package struct Acknowledgement: Sendable, Equatable {
    package var channel: ChannelID
    /// The id the provider's webhooks use.
    package var messageID: String
    package var level: AcknowledgementLevel
    /// When it happened, by the provider's clock, or else when it was received.
    package var at: Timestamp
    /// The provider's reason for a failure.
    package var detail: String?
    /// Whom the message went to and what it said, where the webhook repeats both: it may identify a send whose answer was lost.
    package var echo: Echo?

    package struct Echo: Sendable, Equatable {
        package var recipient: PhoneNumber
        package var text: String

        package init(recipient: PhoneNumber, text: String) {
            self.recipient = recipient
            self.text = text
        }
    }

    package init(
        channel: ChannelID, messageID: String, level: AcknowledgementLevel, at: Timestamp, detail: String? = nil,
        echo: Echo? = nil
    ) {
        self.channel = channel
        self.messageID = messageID
        self.level = level
        self.at = at
        self.detail = detail
        self.echo = echo
    }
}

/// A question to ask a provider about a message.
package struct LookUp: Sendable {
    package enum Purpose: Int, Sendable {
        /// Which id do webhooks call it by?
        case identity = 0
        /// Did it arrive?
        case acknowledgement = 1
        /// Was it taken at all?
        case outcome = 2
    }

    package var message: Message
    package var purpose: Purpose
    /// How often it was asked before.
    package var tries: Int
    /// When the attempt in question began.
    package var attemptStartedAt: Timestamp

    package init(message: Message, purpose: Purpose, tries: Int, attemptStartedAt: Timestamp) {
        self.message = message
        self.purpose = purpose
        self.tries = tries
        self.attemptStartedAt = attemptStartedAt
    }
}

/// What a look-up found, and when to ask again.
package struct LookUpSettlement: Sendable {
    package var message: MessageID
    package var purpose: LookUp.Purpose
    /// Ids learnt; either may be nil.
    package var submissionID: String?
    package var messageID: String?
    /// The state of the message by the provider, if it told.
    package var level: AcknowledgementLevel?
    package var detail: String?
    /// When to ask again and for what; nil ends the asking.
    package var next: (at: Timestamp, purpose: LookUp.Purpose)?
    /// Whether the timeline gets an entry.
    package var isWorthAnEntry: Bool

    package init(
        message: MessageID, purpose: LookUp.Purpose, submissionID: String? = nil, messageID: String? = nil,
        level: AcknowledgementLevel? = nil, detail: String? = nil,
        next: (at: Timestamp, purpose: LookUp.Purpose)? = nil,
        isWorthAnEntry: Bool
    ) {
        self.message = message
        self.purpose = purpose
        self.submissionID = submissionID
        self.messageID = messageID
        self.level = level
        self.detail = detail
        self.next = next
        self.isWorthAnEntry = isWorthAnEntry
    }
}

extension LookUpSettlement {
    /// What stands of an answer about an unknown outcome whose finding is another message's (two of the same text to one
    /// recipient): nothing, and the provider is asked again.
    package func withoutFinding(now: Timestamp) -> LookUpSettlement {
        LookUpSettlement(
            message: message, purpose: purpose, next: (now + LookUpRules.wait(afterTries: 2, for: .outcome), .outcome),
            isWorthAnEntry: false)
    }
}

/// A message whose outcome nobody could tell in time.
package struct Undecided: Sendable {
    package var message: Message
    /// The provider's id in the one echo that fits and that is unbound; nil when there is none or more than one fits.
    package var echoMessageID: String?
    /// When the attempt in question ended.
    package var since: Timestamp

    package init(message: Message, echoMessageID: String?, since: Timestamp) {
        self.message = message
        self.echoMessageID = echoMessageID
        self.since = since
    }
}

/// What is to become of a message whose outcome is unknown.
package struct Decision: Sendable {
    package enum Verdict: Sendable, Equatable {
        /// It was taken after all; this is its id.
        case sent(messageID: String)
        /// Send it again then; `duplicate_risk` is set for ever.
        case retry(at: Timestamp)
        case fail(ErrorReason)
    }

    package var message: MessageID
    package var verdict: Verdict

    package init(message: MessageID, verdict: Verdict) {
        self.message = message
        self.verdict = verdict
    }
}
