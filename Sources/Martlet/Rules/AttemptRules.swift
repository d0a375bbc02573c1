/// What follows from an attempt: pure decisions, the clock and chance passed in.
package struct AttemptRules: Sendable {
    package var retry: RetrySchedule
    package var unknownWait: Duration

    /// The first question about an unknown outcome: a moment after, as the provider's own log may lag.
    package static let firstOutcomeLookUp: Duration = .seconds(1)
    /// The first question for the id webhooks will use.
    package static let firstIdentityLookUp: Duration = .seconds(1)

    package init(retry: RetrySchedule, unknownWait: Duration) {
        self.retry = retry
        self.unknownWait = unknownWait
    }

    /// - Parameters:
    ///   - attempt: the number of this attempt, from 1.
    ///   - pause: how long the channel pauses, when the outcome is `throttled`.
    ///   - chance: a number in 0 ..< 1.
    package func disposition(
        of outcome: Outcome, attempt: Int, traits: ProviderTraits, pause: Duration, now: Timestamp, chance: Double
    ) -> Disposition {
        switch outcome {
        case .accepted(let submissionID, let messageID):
            let asks = messageID == nil ? traits.needsIdentityLookUp : traits.canLookUpAcknowledgement
            let wait = messageID == nil ? Self.firstIdentityLookUp : LookUpRules.firstAcknowledgementLookUp
            return .sent(submissionID: submissionID, messageID: messageID, lookUpAt: asks ? now + wait : nil)
        case .rejected(let reason):
            return .fail(reason)
        case .throttled:
            return .hold(until: now + pause, .providerRateLimit)
        case .sessionDown:
            return .hold(until: now, .sessionDisconnected)
        case .unauthorized:
            return .hold(until: now, .channelUnauthorized)
        case .transient(let detail, let retryAfter):
            guard let delay = retry.delay(afterAttempts: attempt, retryAfter: retryAfter, chance: chance) else {
                return .fail(ErrorReason(.attemptsExhausted, detail))
            }
            return .retry(at: now + delay)
        case .unknown:
            return .unknown(lookUpAt: now + min(Self.firstOutcomeLookUp, unknownWait), decideAt: now + unknownWait)
        }
    }

    /// What becomes of a message whose outcome nobody could tell in time.
    package func decision(on undecided: Undecided, now: Timestamp, chance: Double) -> Decision {
        let message = undecided.message
        if let echo = undecided.echoMessageID { return Decision(message: message.id, verdict: .sent(messageID: echo)) }
        switch message.onUnknown {
        case .hold:
            return Decision(
                message: message.id,
                verdict: .fail(
                    ErrorReason(.outcomeUnknown, "the provider may or may not have sent attempt \(message.attempts)")))
        case .retry:
            guard let delay = retry.delay(afterAttempts: max(1, message.attempts), retryAfter: nil, chance: chance)
            else {
                return Decision(
                    message: message.id,
                    verdict: .fail(ErrorReason(.attemptsExhausted, "the last attempt's outcome is unknown")))
            }
            return Decision(message: message.id, verdict: .retry(at: max(now, undecided.since + delay)))
        }
    }
}

/// When to ask a provider about a message, and what to make of the answer.
package enum LookUpRules {
    /// After the id is known, webhooks get this long before the provider is asked.
    package static let firstAcknowledgementLookUp: Duration = .seconds(10)
    /// Nothing is asked about a message this long after it was sent.
    package static let horizon: Duration = .seconds(72 * 3600)

    /// The wait before the next question, after that many.
    package static func wait(afterTries tries: Int, for purpose: LookUp.Purpose) -> Duration {
        switch purpose {
        case .identity:
            // Few calls: the id is usually there after the first or second.
            let seconds = [1, 2, 4, 8, 15, 30, 60, 120, 300]
            return .seconds(tries < seconds.count ? seconds[max(0, tries)] : 900)
        case .acknowledgement:
            let seconds = [10, 20, 60, 180, 600, 1800, 3600, 7200]
            return .seconds(tries < seconds.count ? seconds[max(0, tries)] : 21_600)
        case .outcome:
            return .seconds([1, 2, 3][min(2, max(0, tries))])
        }
    }

    /// What is to be stored of an answer.
    /// - parameter traits: what the provider can tell.
    package static func settlement(
        of question: LookUp, answer: LookUpAnswer, traits: ProviderTraits, now: Timestamp
    ) -> LookUpSettlement {
        let id = question.message.id
        let purpose = question.purpose
        let isTooOld = (question.message.sentAt ?? question.message.createdAt) + horizon < now && purpose != .outcome
        func again(_ wait: Duration) -> (at: Timestamp, purpose: LookUp.Purpose)? {
            isTooOld ? nil : (now + wait, purpose)
        }
        switch answer {
        case .found(let submissionID, let messageID, let level, let detail):
            let knownID = messageID ?? question.message.messageID
            var next: (at: Timestamp, purpose: LookUp.Purpose)?
            switch level {
            case .device, .read, .failed: next = nil
            case .pending, .server, nil:
                if purpose == .acknowledgement, knownID != nil {
                    next = again(wait(afterTries: question.tries + 1, for: .acknowledgement))
                } else if knownID != nil {
                    next = traits.canLookUpAcknowledgement ? (now + firstAcknowledgementLookUp, .acknowledgement) : nil
                } else if purpose == .outcome {
                    next = traits.needsIdentityLookUp ? (now, .identity) : nil
                } else {
                    next = again(wait(afterTries: question.tries + 1, for: purpose))
                }
            }
            return LookUpSettlement(
                message: id, purpose: purpose, submissionID: submissionID, messageID: messageID, level: level,
                detail: detail, next: next,
                isWorthAnEntry: purpose != .acknowledgement || level != nil && level != .server)
        case .notFound:
            return LookUpSettlement(
                message: id, purpose: purpose, next: again(wait(afterTries: question.tries + 1, for: purpose)),
                isWorthAnEntry: purpose == .outcome && question.tries == 0)
        case .unsupported:
            return LookUpSettlement(message: id, purpose: purpose, next: nil, isWorthAnEntry: false)
        case .throttled(let retryAfter):
            return LookUpSettlement(
                message: id, purpose: purpose, next: again(retryAfter ?? .seconds(5)), isWorthAnEntry: false)
        case .failed:
            return LookUpSettlement(
                message: id, purpose: purpose,
                next: again(max(.seconds(2), wait(afterTries: question.tries + 1, for: purpose))), isWorthAnEntry: false
            )
        }
    }
}
