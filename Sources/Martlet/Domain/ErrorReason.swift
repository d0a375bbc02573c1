/// Why a message failed: a stable code, then the provider's own words.
package struct ErrorReason: Sendable, Equatable, CustomStringConvertible {
    package struct Code: Sendable, Hashable {
        package let text: String
        package static let invalidRecipient = Code(text: "invalid_recipient")
        package static let rejected = Code(text: "rejected")
        package static let unauthorized = Code(text: "unauthorized")
        package static let expired = Code(text: "expired")
        package static let cancelled = Code(text: "cancelled")
        package static let attemptsExhausted = Code(text: "attempts_exhausted")
        package static let outcomeUnknown = Code(text: "outcome_unknown")
        package static let failedByProvider = Code(text: "failed_by_provider")
        package static let recipientOptedOut = Code(text: "recipient_opted_out")
        package static let channelDeleted = Code(text: "channel_deleted")

        /// Every code a message can fail with.
        package static let all: [Code] = [
            .invalidRecipient, .rejected, .unauthorized, .expired, .cancelled, .attemptsExhausted, .outcomeUnknown,
            .failedByProvider, .recipientOptedOut, .channelDeleted,
        ]

        /// The code at the head of a reason as it is stored; nil when it is none of these.
        package static func known(in reason: String?) -> Code? {
            guard let head = reason?.prefix(while: { $0 != ":" }) else { return nil }
            return all.first { $0.text == head }
        }
    }

    package var code: Code
    package var detail: String?

    package init(_ code: Code, _ detail: String? = nil) {
        self.code = code
        self.detail = detail.map { $0.cut(to: Self.detailCharactersMax) }
    }

    /// A provider's words are kept up to this many characters.
    package static let detailCharactersMax = 500

    package var description: String { detail.map { "\(code.text): \($0)" } ?? code.text }

    /// Whether a message that failed so stands in the dead-letter queue: it does unless it was the sender's own doing.
    package var isDeadLettered: Bool {
        ![Code.expired, .cancelled, .recipientOptedOut].contains(code)
    }
}
