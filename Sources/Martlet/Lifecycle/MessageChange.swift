/// A message before and after something happened to it, with the timeline entries that tell of it.
///
/// The rules of a message's life are here, free of any database: an engine reads a record, applies what happened, and stores
/// the difference in one transaction.
package struct MessageChange: Sendable {
    /// What becomes of the message's place among the look-ups.
    package enum LookUpChange: Sendable, Equatable {
        case keep
        case remove
        case schedule(LookUp.Purpose, at: Timestamp, tries: Int, attemptStartedAt: Timestamp)
    }

    /// What becomes of what the message says. An engine need not read the content to change a message.
    package enum PayloadChange: Sendable, Equatable {
        case keep
        case erase
        case replace(Payload)
    }

    /// A timeline entry to be written; its id is the engine's to give.
    package struct Entry: Sendable, Equatable {
        package var kind: TimelineEvent.Kind
        package var at: Timestamp
        package var attempt: Int?
        package var outcome: String?
        package var httpStatus: Int?
        package var durationMilliseconds: Int?
        package var error: String?
        package var detail: String?

        package init(
            kind: TimelineEvent.Kind, at: Timestamp, attempt: Int? = nil, outcome: String? = nil,
            httpStatus: Int? = nil,
            durationMilliseconds: Int? = nil, error: String? = nil, detail: String? = nil
        ) {
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

    package let before: TrackedMessage
    package internal(set) var after: TrackedMessage
    package private(set) var entries: [Entry] = []
    package internal(set) var lookUp = LookUpChange.keep
    package internal(set) var payload = PayloadChange.keep
    /// When it happens.
    package let now: Timestamp

    package init(_ record: TrackedMessage, now: Timestamp) {
        before = record
        after = record
        self.now = now
    }

    /// Whether anything a reader of the message can see is different.
    package var didChange: Bool {
        before.message != after.message || payload != .keep || before.job?.snapshot != after.job?.snapshot
    }

    /// The id that has become known, when one has.
    package var boundMessageID: String? {
        after.message.messageID == before.message.messageID ? nil : after.message.messageID
    }

    /// Adds a timeline entry. Texts are cut to the length a provider's words may have.
    package mutating func note(_ entry: Entry) {
        var entry = entry
        entry.error = entry.error.map(Self.bounded)
        entry.detail = entry.detail.map(Self.bounded)
        entries.append(entry)
    }

    /// Adds a timeline entry of this moment.
    package mutating func note(_ kind: TimelineEvent.Kind, error: String? = nil, detail: String? = nil) {
        note(Entry(kind: kind, at: now, error: error, detail: detail))
    }

    package static func bounded(_ text: String) -> String { String(text.prefix(ErrorReason.detailCharactersMax)) }

    /// The provider has taken the message: nothing is left to do but to hear of it.
    package mutating func becomeSent(submissionID: String?, messageID: String?) {
        bind(submissionID: submissionID, messageID: messageID)
        guard after.message.status.mayBecome(.sent) else { return }
        after.message.status = .sent
        after.message.sentAt = now
        after.message.updatedAt = now
        endJob()
        note(.sent)
    }

    /// Notes the ids the provider uses, where they are not known yet.
    package mutating func bind(submissionID: String?, messageID: String?) {
        if let submissionID, after.message.submissionID == nil {
            after.message.submissionID = submissionID
            after.message.updatedAt = now
        }
        if let messageID, after.message.messageID == nil {
            after.message.messageID = messageID
            after.message.updatedAt = now
        }
    }

    /// Nothing more will be tried. Does nothing to a message that may not fail any more.
    package mutating func fail(_ reason: ErrorReason) {
        guard after.message.status.mayBecome(.failed) else { return }
        after.message.status = .failed
        after.message.failedAt = now
        after.message.updatedAt = now
        after.message.errorReason = reason.description
        endJob()
        lookUp = .remove
        switch reason.code {
        case .expired: note(.expired, error: reason.description)
        case .cancelled: note(.cancelled)
        default: note(.failed, error: reason.description)
        }
        if reason.isDeadLettered {
            after.message.deadLetteredAt = now
            note(.deadLettered)
        }
        redactIfDone()
    }

    /// Applies what a provider said of the message. Late and repeated news change nothing, not even the timeline.
    package mutating func acknowledge(_ level: AcknowledgementLevel, at told: Timestamp, detail: String?) {
        guard level != .pending else { return }
        // A provider that tells whole seconds, or whose clock is behind, would have it delivered before it was sent.
        let earliest = [after.message.sentAt, after.message.acknowledgedAt, after.message.deliveredAt].compactMap(
            \.self
        ).max()
        let at = max(told, earliest ?? told)
        // A message whose outcome was open (or that was to be sent again) was taken after all.
        if after.message.status == .queued { becomeSent(submissionID: nil, messageID: nil) }
        switch level {
        case .pending: break
        case .server:
            guard after.message.status == .sent, after.message.acknowledgedAt == nil else { return }
            after.message.acknowledgedAt = at
            after.message.updatedAt = now
            note(Entry(kind: .acknowledged, at: at, detail: detail))
        case .device, .read:
            guard after.message.status.mayBecome(level.status) else { return }
            after.message.status = level.status
            after.message.acknowledgedAt = after.message.acknowledgedAt ?? at
            // What was read was delivered by then, whether or not anybody said so.
            after.message.deliveredAt = after.message.deliveredAt ?? at
            if level == .read { after.message.readAt = at }
            after.message.updatedAt = now
            note(Entry(kind: level == .read ? .read : .delivered, at: at, detail: detail))
            lookUp = .remove
            redactIfDone()
        case .failed: fail(ErrorReason(.failedByProvider, detail))
        }
    }

    /// The job is gone; its last token is kept, so that the tokens of a later job of this message are greater.
    mutating func endJob() {
        guard let job = after.job else { return }
        after.claimToken = job.token
        after.job = nil
    }

    /// Empties the payload of a message to redact once it is final. A dead letter is final, too: it can be replayed with new
    /// content only.
    mutating func redactIfDone() {
        guard after.message.redact, after.message.status.isFinal else { return }
        after.message.payload.content = JSONObject()
        payload = .erase
    }

    /// Takes a failed message out of the dead-letter queue; the log keeps it.
    package mutating func discard() {
        after.message.deadLetteredAt = nil
        after.message.updatedAt = now
        redactIfDone()
    }
}
