import Foundation

/// How a sandbox listens, limits, answers and reports.
///
/// The defaults are WasenderApi's documented ones for a paid account, with acknowledgements quick enough to watch.
package struct SandboxConfiguration: Sendable {
    /// The address to listen on.
    package var host = "127.0.0.1"

    /// The port to listen on; 0 takes a free one.
    package var port = 0

    /// What one session may send. All of them hold, each in every sliding window.
    package var limits = [SandboxLimit(count: 256, per: .seconds(60))]

    /// Whether sessions start with account protection, the provider's limit of one message every five seconds, which
    /// stands in for ``limits`` while it is on.
    package var accountProtection = false

    /// How long every answer to a send takes. The limit is judged when the request came in, not after it.
    package var latency: Duration = .milliseconds(30)

    /// The API keys that are known; with `nil`, any key is a session of its own, connected as soon as it is used.
    package var knownKeys: Set<String>?

    /// Where the webhooks of sessions go that have no `webhook_url` of their own.
    package var webhooksTo: URL?

    /// What `X-Webhook-Signature` carries in posts to ``webhooksTo``; without it they have no such header.
    package var webhookSecret: String?

    /// When acknowledgements follow a send, and how many do.
    package var acknowledgements = Acknowledgements()

    /// Which of the provider's documented shapes its webhooks have.
    package var webhookStyle = WebhookStyle()

    /// The time after a send in which `GET /messages/{msgId}/info` does not know the message yet. Above
    /// ``Acknowledgements/sent`` the first webhook comes before the look-up can tell whose it is.
    package var infoDelay: Duration = .milliseconds(100)

    /// What the look-up answers in that time.
    package var infoBeforeReady: InfoBeforeReady = .notFound

    /// The HTTP status of the answer that the session is not connected; which one the provider uses is not documented.
    package var sessionDownStatus = 409

    /// Whether sessions made by using their key log messages. Without it, rows of `message-logs` have neither
    /// recipient nor content.
    package var messageLogs = true

    /// How long a session that was told to connect waits for its QR code to be scanned, which the sandbox does itself.
    package var linkDelay: Duration = .milliseconds(1500)

    /// Numbers that make things happen on purpose begin with these digits, see ``PurposefulNumber``. Country code 999
    /// is assigned to nobody, so no series of example numbers meets one by accident.
    package var purposefulPrefix = "999"

    /// How many webhooks may be under way at a time. The events of one message always keep their order; with 1, all
    /// events do.
    package var webhookConcurrency = 64

    /// How many webhooks may wait for the receiver; further ones are discarded, and counted.
    package var webhookQueueCapacity = 500_000

    /// How many accepted sends the ledger holds; then the oldest are forgotten.
    package var ledgerCapacity = 5_000_000

    /// The id of the first message; `nil` derives it from the time of the start, so that ids do not repeat when a
    /// sandbox is started anew.
    package var firstMessageID: Int?

    /// What chance is drawn from: faults that hit at a rate, and the ids of messages; `nil` takes a random one.
    package var seed: UInt64?

    package init() {}

    /// When acknowledgements follow a send, counted from its acceptance, and which part of the messages gets them.
    package struct Acknowledgements: Sendable {
        /// WhatsApp's server has the message: `message.sent`, `messages.upsert` and `messages.update` 2.
        package var sent: Duration = .milliseconds(100)
        /// The recipient's phone has it: `messages.update` 3.
        package var delivered: Duration = .milliseconds(300)
        /// The recipient has seen it: `messages.update` 4.
        package var read: Duration = .milliseconds(600)
        /// The part of messages that are ever delivered, 0 to 1.
        package var deliveredShare = 1.0
        /// The part of delivered messages that are ever read, 0 to 1.
        package var readShare = 1.0

        package init() {}
    }

    /// The variants of webhooks that the provider's documentation, samples and SDKs disagree on.
    package struct WebhookStyle: Sendable {
        /// The unit of `timestamp`.
        package enum Timestamp: String, Sendable, CaseIterable { case seconds, milliseconds }
        /// Whether `data` of `messages.update` and `data.messages` of `messages.upsert` is one object or a list.
        package enum Container: String, Sendable, CaseIterable { case object, array }
        /// Whether a status is its number or its name.
        package enum Status: String, Sendable, CaseIterable { case number, string }
        /// What `remoteJid` holds: the number's JID, the recipient's linked id, or the number as it was sent.
        package enum RemoteJID: String, Sendable, CaseIterable {
            case number, lid
            case asSent = "as-sent"
        }

        package var timestamp: Timestamp = .milliseconds
        package var updateData: Container = .object
        package var upsertMessages: Container = .array
        package var status: Status = .number
        package var remoteJID: RemoteJID = .number
        /// `fromMe` in acknowledgements; the documentation's sample has `false` there.
        package var fromMe = true

        package init() {}
    }

    /// What the look-up answers about a message that was accepted and is not known to it yet.
    package enum InfoBeforeReady: String, Sendable, CaseIterable {
        /// 404, as for a message that does not exist.
        case notFound = "not-found"
        /// 200 with status 1 and no `key`.
        case pending
    }
}

extension SandboxConfiguration {
    /// Reads a limit such as `50/1s`, `256/60s`, `1/5s`, `10/m` or `3/500ms`.
    ///
    /// - Parameter text: a count, a slash, and a length with the unit `ms`, `s`, `m` or `h`, a length of 1 left out
    ///   if you like.
    /// - Throws: ``SandboxConfigurationError`` saying what is allowed.
    package static func parseLimit(_ text: String) throws(SandboxConfigurationError) -> SandboxLimit {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let count = Int(parts[0]), (1...1_000_000).contains(count) else {
            throw SandboxConfigurationError(limit: text)
        }
        let digits = parts[1].prefix { $0.isASCII && $0.isNumber }
        let millisecondsPerUnit: Int64? =
            switch parts[1].dropFirst(digits.count) {
            case "ms": 1
            case "s": 1000
            case "m": 60_000
            case "h": 3_600_000
            default: nil
            }
        guard let millisecondsPerUnit, let length = digits.isEmpty ? 1 : Int64(digits),
            (1...86_400_000).contains(length), length * millisecondsPerUnit <= 86_400_000
        else { throw SandboxConfigurationError(limit: text) }
        return SandboxLimit(count: count, per: .milliseconds(length * millisecondsPerUnit))
    }
}

/// A setting that cannot be used.
package struct SandboxConfigurationError: Error, CustomStringConvertible {
    /// What is wrong and what is allowed, in one line.
    package let description: String

    init(limit text: String) {
        description =
            "'\(text)' is not a limit: write a count of 1 to 1000000, a slash and a window of at most a day, "
            + "such as 50/1s, 256/60s or 3/500ms"
    }
}
