import Martlet
import Synchronization

/// A provider that does what a test tells it, and remembers what it was asked.
package final class FakeProvider: Provider {
    /// A send as the provider saw it.
    package struct Receipt: Sendable {
        package var message: Message
        package var channel: ChannelID
        package var receivedAt: MonotonicInstant
        package var wallTime: Timestamp
        /// Which send of this message it is, from 1.
        package var occurrence: Int
    }

    package typealias Sending = @Sendable (Receipt) async -> SendAnswer

    private struct State: Sendable {
        var receipts: [Receipt] = []
        var occurrences: [MessageID: Int] = [:]
        var questions: [LookUp.Purpose: Int] = [:]
        var sessionAnswer = SessionAnswer.up
    }

    package let name = "fake"
    package let traits: ProviderTraits
    private let time: any TimeSource
    private let sending: Sending
    private let lookingUp: @Sendable (LookUp) async -> LookUpAnswer
    private let state = Mutex(State())

    package static let plainTraits = ProviderTraits(
        defaultBaseURL: "http://127.0.0.1", defaultLimits: [], concurrency: 5, needsIdentityLookUp: false,
        canLookUpAcknowledgement: false, hasSessions: true)

    package init(
        time: any TimeSource, traits: ProviderTraits = FakeProvider.plainTraits,
        sending: @escaping Sending = {
            SendAnswer(.accepted(submissionID: "s-\($0.message.id)", messageID: "w-\($0.message.id)"), httpStatus: 200)
        },
        lookingUp: @escaping @Sendable (LookUp) async -> LookUpAnswer = { _ in .unsupported }
    ) {
        self.time = time
        self.traits = traits
        self.sending = sending
        self.lookingUp = lookingUp
    }

    /// Everything that was sent, in order of arrival.
    package var receipts: [Receipt] { state.withLock { $0.receipts } }
    package func questions(_ purpose: LookUp.Purpose) -> Int { state.withLock { $0.questions[purpose] ?? 0 } }
    package func setSession(_ answer: SessionAnswer) { state.withLock { $0.sessionAnswer = answer } }

    /// The most sends that arrived in any window of that length.
    package func highestCount(in window: Duration, channel: ChannelID? = nil) -> Int {
        let times = receipts.filter { channel == nil || $0.channel == channel }.map(\.receivedAt).sorted()
        var highest = 0
        var first = 0
        for (index, instant) in times.enumerated() {
            while instant - times[first] >= window { first += 1 }
            highest = max(highest, index - first + 1)
        }
        return highest
    }

    package func validate(credentials: JSONObject) -> [FieldError] { [] }
    package func validate(_ payload: Payload) -> [FieldError] { [] }

    package func send(_ message: Message, over channel: Channel, timeout: Duration) async -> SendAnswer {
        let receipt = state.withLock { state in
            state.occurrences[message.id, default: 0] += 1
            let receipt = Receipt(
                message: message, channel: channel.id, receivedAt: time.monotonicNow(), wallTime: time.now(),
                occurrence: state.occurrences[message.id] ?? 1)
            state.receipts.append(receipt)
            return receipt
        }
        return await sending(receipt)
    }

    package func lookUp(_ question: LookUp, over channel: Channel, timeout: Duration) async -> LookUpAnswer {
        state.withLock { $0.questions[question.purpose, default: 0] += 1 }
        return await lookingUp(question)
    }

    package func session(of channel: Channel, timeout: Duration) async -> SessionAnswer {
        state.withLock { $0.sessionAnswer }
    }

    package func control(_ command: SessionCommand, of channel: Channel, timeout: Duration) async
        -> SessionControlAnswer
    {
        .done(status: "connected", qrCode: command == .qrCode ? "2@code" : nil)
    }

    package func isAuthentic(headers: [String: String], body: [UInt8], channel: Channel) -> Bool {
        guard let secret = channel.webhookSecret?.exposed, let given = headers["x-webhook-signature"] else {
            return false
        }
        return constantTimeEquals(Array(secret.utf8), Array(given.utf8))
    }

    package func verification(query: [String: String], channel: Channel) -> String? { query["challenge"] }
    package func redacted(webhook body: [UInt8], channel: Channel) -> [UInt8] { body }

    /// Webhooks are `{"id", "level"}`, `{"session": "up"|"down"}`, or with `recipient` and `text` an echo.
    package func events(
        webhook body: [UInt8], receivedAt: Timestamp, channel: Channel
    ) throws(WebhookError) -> [ProviderEvent] {
        guard let value = try? JSONParser.value(body) else { throw WebhookError("it is not JSON") }
        if let session = value["session"]?.stringValue { return [.session(isUp: session == "up", detail: session)] }
        guard let id = value["id"]?.stringValue, let code = value["level"]?.integerValue,
            let level = AcknowledgementLevel(rawValue: Int(code))
        else { throw WebhookError("it has no id and level") }
        var echo: Acknowledgement.Echo?
        if let number = value["recipient"]?.stringValue.flatMap({ PhoneNumber($0) }),
            let text = value["text"]?.stringValue
        {
            echo = .init(recipient: number, text: text)
        }
        return [
            .acknowledgement(
                Acknowledgement(channel: channel.id, messageID: id, level: level, at: receivedAt, echo: echo))
        ]
    }
}
