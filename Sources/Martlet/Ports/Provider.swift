/// A WhatsApp provider: turns messages into requests, answers into outcomes, webhooks into events.
///
/// A module classifies; it decides nothing else. It keeps no state that matters and throws nothing at the pipeline: whatever
/// happens on the wire is an ``Outcome``.
package protocol Provider: Sendable {
    /// The name channels use, such as `wasender`.
    var name: String { get }
    var traits: ProviderTraits { get }

    /// Checks credentials before they are stored: what is missing, wrong or unknown, by member name.
    func validate(credentials: JSONObject) -> [FieldError]
    /// Checks what this provider can carry; pointers are relative to the message.
    func validate(_ payload: Payload) -> [FieldError]

    /// Makes one attempt. Returns in the request's time-out at the latest. Cancelling the task ends it as `unknown` when
    /// the request may have been written.
    func send(_ message: Message, over channel: Channel, timeout: Duration) async -> SendAnswer

    /// Asks about a message.
    func lookUp(_ question: LookUp, over channel: Channel, timeout: Duration) async -> LookUpAnswer

    /// Asks whether the session behind the channel is up.
    func session(of channel: Channel, timeout: Duration) async -> SessionAnswer
    /// Starts or ends the session, or asks for the code that links it.
    func control(_ command: SessionCommand, of channel: Channel, timeout: Duration) async -> SessionControlAnswer

    /// Whether the request proves that it comes from the provider, in constant time. Header names are lower-case.
    func isAuthentic(headers: [String: String], body: [UInt8], channel: Channel) -> Bool
    /// Answers the provider's verification handshake (a GET on the webhook address), or nil to refuse.
    func verification(query: [String: String], channel: Channel) -> String?
    /// The body with the channel's credentials blanked, as it may be stored.
    func redacted(webhook body: [UInt8], channel: Channel) -> [UInt8]
    /// What a stored webhook says.
    /// - throws: when it cannot be read.
    func events(webhook body: [UInt8], receivedAt: Timestamp, channel: Channel) throws(WebhookError) -> [ProviderEvent]
}

/// What a provider brings along.
package struct ProviderTraits: Sendable {
    package var defaultBaseURL: String
    package var defaultLimits: [RateLimit]
    /// Requests in flight at once for one channel, at least; more where the channel's rate needs it.
    package var concurrency: Int
    /// Whether the id webhooks use must be asked for after a send.
    package var needsIdentityLookUp: Bool
    /// Whether a message's state can be asked for by its submission id.
    package var canLookUpAcknowledgement: Bool
    /// Whether a session can be asked for at all.
    package var hasSessions: Bool

    package init(
        defaultBaseURL: String, defaultLimits: [RateLimit], concurrency: Int, needsIdentityLookUp: Bool,
        canLookUpAcknowledgement: Bool, hasSessions: Bool
    ) {
        self.defaultBaseURL = defaultBaseURL
        self.defaultLimits = defaultLimits
        self.concurrency = concurrency
        self.needsIdentityLookUp = needsIdentityLookUp
        self.canLookUpAcknowledgement = canLookUpAcknowledgement
        self.hasSessions = hasSessions
    }
}

package struct SendAnswer: Sendable, Equatable {
    package var outcome: Outcome
    package var httpStatus: Int?

    package init(_ outcome: Outcome, httpStatus: Int? = nil) {
        self.outcome = outcome
        self.httpStatus = httpStatus
    }
}

package enum LookUpAnswer: Sendable, Equatable {
    /// The provider knows the message. Each part may be nil where it did not say.
    case found(submissionID: String?, messageID: String?, level: AcknowledgementLevel?, detail: String?)
    /// The provider answered and does not know it (yet).
    case notFound
    /// This provider, or this channel's credentials, cannot tell.
    case unsupported
    /// The question was too fast; ask later.
    case throttled(retryAfter: Duration?)
    /// The question failed.
    case failed(detail: String)
}

package enum SessionAnswer: Sendable, Equatable {
    case up
    case down(detail: String)
    case unauthorized(detail: String)
    case failed(detail: String)
}

package enum SessionCommand: String, Sendable {
    case connect, disconnect
    /// Asks for the code to scan.
    case qrCode = "qr"
}

package enum SessionControlAnswer: Sendable, Equatable {
    /// The session's state by the provider, and the text of the code to scan where there is one.
    case done(status: String, qrCode: String?)
    /// The channel's credentials do not reach so far; says which one is missing.
    case unsupported(detail: String)
    case failed(detail: String)
}

/// What a webhook says.
package enum ProviderEvent: Sendable, Equatable {
    case acknowledgement(Acknowledgement)
    case session(isUp: Bool, detail: String)
    /// Known and of no interest here.
    case ignored(String)
}

/// Why a stored webhook cannot be read.
package struct WebhookError: Error, Sendable, Equatable {
    package var reason: String
    package init(_ reason: String) { self.reason = reason }
}

/// What is wrong with one field of a document.
package struct FieldError: Error, Sendable, Equatable {
    /// A JSON pointer (RFC 6901).
    package var pointer: String
    package var message: String

    package init(_ pointer: String, _ message: String) {
        self.pointer = pointer
        self.message = message
    }
}
