import NIOCore

/// A misbehaviour that was asked for.
package struct SandboxFault: Sendable {
    /// What goes wrong.
    package enum Kind: String, Sendable, CaseIterable {
        /// Answers with a status of one's choice.
        case status
        /// Answers 200 with a body that is not JSON.
        case garbage
        /// Holds the request open without an answer.
        case timeout
        /// Resets the connection without an answer; the request has no effect.
        case reset
        /// Answers late.
        case slow
        /// Accepts the send, then resets the connection.
        case acceptThenReset = "accept_then_reset"
        /// Accepts the send, then never answers.
        case acceptThenTimeout = "accept_then_timeout"
        /// The session is disconnected for as long as the fault lasts.
        case sessionDown = "session_down"
        /// A webhook is lost.
        case webhookDrop = "webhook_drop"
        /// A webhook is posted twice.
        case webhookDuplicate = "webhook_duplicate"
        /// A message's webhooks are posted in reverse order, at the time of the last.
        case webhookReorder = "webhook_reorder"
        /// A message's webhooks are all posted before its send is answered.
        case webhookBeforeResponse = "webhook_before_response"
    }

    /// The requests that a fault strikes.
    package enum Path: String, Sendable, CaseIterable {
        /// `POST /send-message`.
        case send
        /// `GET /messages/{msgId}/info`.
        case info
        /// `GET /status`.
        case status
        /// `GET /whatsapp-sessions/{id}/message-logs`.
        case logs
        /// Webhooks on their way out.
        case webhook
    }

    /// What goes wrong.
    package var kind: Kind
    /// The requests it strikes.
    package var path: Path
    /// The part of the requests it strikes, above 0 and at most 1.
    package var rate = 1.0
    /// How many it strikes before it ends; `nil` has no end.
    package var count: Int?
    /// How long it lasts; `nil` until it is ended.
    package var duration: Duration?
    /// Strikes this API key alone.
    package var key: String?
    /// Strikes this recipient alone, compared by digits.
    package var to: String?
    /// Strikes webhooks of this event alone.
    package var event: String?
    /// For `status`: the HTTP status, 200 to 599.
    package var statusCode = 500
    /// For `status` and `garbage`: the body; `nil` takes one the provider would answer.
    package var body: ByteBuffer?
    /// For `status`: whether ``body`` is JSON.
    package var bodyIsJSON = true
    /// For `status`: further headers.
    package var headers: [String: String] = [:]
    /// For `status` 429: the seconds to wait, in the body.
    package var retryAfterSeconds = 1
    /// For `slow`: the time on top of the usual. For the kinds that do not answer: how long they hold the connection.
    package var delay: Duration
    /// For `status` and `garbage`: accept the send all the same.
    package var accepts = false

    /// A fault that strikes every request of its kind's usual path until it is ended.
    package init(_ kind: Kind) {
        self.kind = kind
        path =
            switch kind {
            case .webhookDrop, .webhookDuplicate, .webhookReorder, .webhookBeforeResponse: .webhook
            default: .send
            }
        delay = kind == .slow ? .seconds(1) : .seconds(300)
    }
}

/// What a struck request gets instead of, or after, its proper treatment.
enum FaultEffect: Sendable {
    /// An answer that has nothing to do with the request.
    case answer(status: Int, body: ByteBuffer, isJSON: Bool, headers: [String: String])
    /// No answer, until the fault is ended or the time is over.
    case hold(fault: Int, upTo: Duration)
    /// The connection is reset.
    case reset
}
