import Martlet

/// Reads what became of a send from the answer to it.
///
/// Which HTTP status goes with which refusal is mostly not documented, so the provider's words count first and the
/// status second. The guiding question is whether the message can have been taken: where that is open the outcome is
/// unknown, never a failure.
package struct SendOutcome {
    private let answer: Answer
    private let envelope: Envelope?
    private let words: ProviderWords
    private let now: Timestamp

    package static func read(_ answer: Answer, words: ProviderWords, now: Timestamp) -> Outcome {
        Self(answer: answer, envelope: Envelope(answer.body), words: words, now: now).outcome
    }

    private var outcome: Outcome {
        guard let envelope else { return outcomeWithoutEnvelope }
        if answer.isSuccess, envelope.isSuccess != false {
            if let id = envelope.data?["msgId"]?.messageLogID { return .accepted(submissionID: id, messageID: nil) }
            // A refusal may come with status 200, and the one for being too fast has no `success` in it.
            let refusal = envelope.isSuccess == nil ? refusalByWords(envelope) : nil
            return refusal ?? .unknown(detail: "HTTP \(answer.status) without a msgId")
        }
        return refusalByWords(envelope) ?? refusalByStatus(envelope)
    }

    /// What the provider says in words, whatever the status.
    private func refusalByWords(_ envelope: Envelope) -> Outcome? {
        let text = (envelope.message ?? "").lowercased()
        func says(_ fragments: String...) -> Bool { fragments.contains { text.contains($0) } }
        // Before the subscription: the trial's own rate limit is a limit, though it speaks of the trial.
        if answer.status == 429 || envelope.retryAfterSeconds != nil && !(500...).contains(answer.status)
            || says("you can only send", "rate limit", "too many requests", "too many attempts")
        {
            return throttled(envelope)
        }
        if says("not connected", "session is disconnected", "connect your session") {
            return .sessionDown(detail: detail(envelope))
        }
        if says(
            "api key is required", "invalid api key", "subscription", "free trial", "trial is required",
            "unauthenticated")
        {
            return .unauthorized(detail: detail(envelope))
        }
        if says("does not exist on whatsapp", "jid does not exist", "invalid number jid", "not registered on whatsapp")
            || envelope.faultyFields.contains("to")
        {
            return .rejected(ErrorReason(.invalidRecipient, detail(envelope)))
        }
        if !envelope.faultyFields.isEmpty || says("validation failed") {
            return .rejected(ErrorReason(.rejected, detail(envelope)))
        }
        return nil
    }

    private func refusalByStatus(_ envelope: Envelope) -> Outcome {
        switch answer.status {
        case 401, 402, 403: return .unauthorized(detail: detail(envelope))
        case 408: return .unknown(detail: detail(envelope))
        // A gateway that has waited for the provider in vain says so, perhaps in JSON, too; it is not the provider.
        case 504 where envelope.isSuccess == nil: return .unknown(detail: detail(envelope))
        case 500...:
            return envelope.isProvidersOwn
                ? .transient(detail: detail(envelope), retryAfter: delay(isThrottled: false))
                : .unknown(detail: detail(envelope))
        // Without the provider's own mark, a missing route speaks of the base URL, not of the message.
        case 404 where envelope.isSuccess == nil, 405 where envelope.isSuccess == nil:
            return .transient(detail: "there is no send-message at the base URL: \(detail(envelope))", retryAfter: nil)
        default:
            return envelope.isProvidersOwn
                ? .rejected(ErrorReason(.rejected, detail(envelope)))
                : outcomeWithoutEnvelope
        }
    }

    /// What can be told from the status alone: from something in front of the provider, or from a provider in disorder.
    private var outcomeWithoutEnvelope: Outcome {
        let detail = unreadable
        switch answer.status {
        case 429: return throttled(nil)
        case 401, 402: return .unauthorized(detail: detail)
        case 408: return .unknown(detail: detail)
        // Refused or sent elsewhere before the provider saw it; nobody said that this message is at fault.
        case 300..<500: return .transient(detail: detail, retryAfter: delay(isThrottled: false))
        default: return .unknown(detail: detail)
        }
    }

    private func throttled(_ envelope: Envelope?) -> Outcome {
        .throttled(retryAfter: delay(isThrottled: true), detail: envelope.map(detail) ?? unreadable)
    }

    private func delay(isThrottled: Bool) -> Duration? {
        RetryDelay.read(envelope, answer.headers, isThrottled: isThrottled, now: now)
    }

    private func detail(_ envelope: Envelope) -> String {
        envelope.words.map { words($0) } ?? "HTTP \(answer.status) without a reason"
    }

    /// Names an answer that is not the provider's JSON. Only its beginning is kept: it is some server's error page.
    private var unreadable: String {
        let beginning = words(String(decoding: answer.body.prefix(400), as: UTF8.self), max: 160).trimmedASCII
        return beginning.isEmpty
            ? "HTTP \(answer.status) with an empty body"
            : "HTTP \(answer.status) without the provider's JSON: \(beginning)"
    }
}
