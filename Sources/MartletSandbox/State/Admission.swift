/// A send as a wire format read it.
struct Submission: Sendable {
    /// The recipient as it was sent.
    let to: String
    let text: String?
    let kind: MessageKind
    /// The request body, a JSON object.
    let body: [UInt8]
    /// Equal for bodies that mean the same.
    let fingerprint: Int
}

/// Why a key is not let in.
enum KeyRefusal: Error, Sendable {
    /// No usable authorization header.
    case missing
    /// Not a key of this account.
    case invalid
    /// The sandbox holds as many sessions as it can.
    case full
}

/// What happens with a send.
struct Admission: Sendable {
    enum Outcome: Sendable {
        /// Accepted under this message id.
        case accepted(messageID: Int)
        /// Accepted, and the sender is not told so.
        case acceptedSilently(FaultEffect)
        /// A fault took it.
        case struck(FaultEffect)
        case unauthorized(KeyRefusal)
        /// Over the limit; `isAccountProtection` tells which text belongs to it.
        case limited(SlidingWindow.Refusal, isAccountProtection: Bool)
        case sessionDown
        /// The recipient is not on WhatsApp.
        case unknownRecipient
        /// The body breaks the rules of the wire format.
        case invalid
    }

    let outcome: Outcome
    /// The session's limit after the send; `nil` when there is no session.
    var reading: SlidingWindow.Reading?
    /// What a `slow` fault adds to the latency.
    var delay: Duration = .zero
    /// Webhooks to post before the answer.
    var hurried: [AddressedEvent] = []
}
