import Martlet
import Synchronization

/// A call to send, on its way from a node to the provider.
struct SendCall: Sendable {
    var number: Int
    var message: Message
    var channel: Channel
    var kind: Scenario.ProviderKind
    var incarnation: Int
    var calledAt: MonotonicInstant
    var calledAtWall: Timestamp
}

/// One node's line to the provider: delays, losses, time-outs, and what becomes of a request whose node dies.
final class ProviderLink: Provider {
    let name: String
    let traits: ProviderTraits
    private let kind: Scenario.ProviderKind
    private let remote: RemoteProvider
    private let lifeline: Lifeline
    private let chance: Chance
    private let mutation: Mutation?

    /// A request reaches the provider within that time after the claim was stored: what a node that starts anew must be
    /// able to rely on when it fills its windows again.
    private static let wayMax: Duration = .milliseconds(600)

    init(
        _ kind: Scenario.ProviderKind, remote: RemoteProvider, lifeline: Lifeline, chance: Chance, mutation: Mutation?
    ) {
        self.kind = kind
        name = kind.rawValue
        traits = kind.traits
        self.remote = remote
        self.lifeline = lifeline
        self.chance = chance
        self.mutation = mutation
    }

    /// Where the two ends of a call meet.
    private final class Meeting: Sendable {
        private let state = Mutex<(answer: SendAnswer?, isWithdrawn: Bool)>((nil, false))
        let signal = WakeSignal()

        func answer(_ answer: SendAnswer) {
            state.withLock { if $0.answer == nil { $0.answer = answer } }
            signal.signal()
        }

        func withdraw() { state.withLock { $0.isWithdrawn = true } }
        var isWithdrawn: Bool { state.withLock { $0.isWithdrawn } }
        var answered: SendAnswer? { state.withLock { $0.answer } }
    }

    func send(_ message: Message, over channel: Channel, timeout: Duration) async -> SendAnswer {
        let number = remote.ledger.nextCall()
        var answer = await call(number, message, channel, timeout)
        remote.ledger.record(
            Ledger.Return(
                call: number, message: message.id, incarnation: lifeline.incarnation, at: remote.time.monotonicNow(),
                outcome: answer.outcome))
        if mutation == .unknownTakenForTransient, case .unknown(let detail) = answer.outcome {
            answer.outcome = .transient(detail: detail, retryAfter: nil)
        }
        if mutation == .penaltyIsIgnored, case .throttled(_, let detail) = answer.outcome {
            answer.outcome = .throttled(retryAfter: nil, detail: detail)
        }
        return answer
    }

    private func call(
        _ number: Int, _ message: Message, _ channel: Channel, _ timeout: Duration
    ) async -> SendAnswer {
        let unwritten = SendAnswer(.transient(detail: "ended before it was written", retryAfter: nil))
        guard !lifeline.isDead, !Task.isCancelled else { return unwritten }
        let time = remote.time
        let typical = remote.scenario.providerLatency
        let odds = remote.odds
        let call = SendCall(
            number: number, message: message, channel: channel, kind: kind, incarnation: lifeline.incarnation,
            calledAt: time.monotonicNow(), calledAtWall: lifeline.time.now())
        let way = chance.latency(about: typical * 0.4, most: Self.wayMax)
        let writtenAt = call.calledAt + way * chance.unitInterval()
        let meeting = Meeting()
        let isLost = chance.happens(odds.lostRequest)
        let isAnswerLost = chance.happens(odds.lostAnswer)
        let isReset = chance.happens(0.5)
        let back = chance.latency(about: typical * 0.6, most: timeout * 1.2)
        remote.agenda.after(way) { [remote] in
            guard !meeting.isWithdrawn else { return }
            if isLost {
                if isReset { meeting.answer(SendAnswer(.unknown(detail: "the connection was reset"))) }
                return
            }
            let answer = remote.receive(call)
            remote.agenda.after(back) {
                if !isAnswerLost {
                    meeting.answer(answer)
                } else if isReset {
                    meeting.answer(SendAnswer(.unknown(detail: "the connection was reset")))
                }
            }
        }
        await meeting.signal.wait(atMost: timeout, time: time)
        if let answer = meeting.answered { return answer }
        if time.monotonicNow() < writtenAt {
            meeting.withdraw()
            return unwritten
        }
        return SendAnswer(.unknown(detail: "no answer"))
    }

    func lookUp(_ question: LookUp, over channel: Channel, timeout: Duration) async -> LookUpAnswer {
        try? await remote.time.sleep(for: chance.latency(about: remote.scenario.providerLatency, most: timeout))
        guard !lifeline.isDead, !Task.isCancelled else { return .failed(detail: "ended") }
        let answer = remote.answer(question, on: channel, kind: kind)
        remote.trace.note("look-up \(question.purpose) of \(question.message.id.short): \(answer)")
        return answer
    }

    func session(of channel: Channel, timeout: Duration) async -> SessionAnswer {
        try? await remote.time.sleep(for: chance.latency(about: remote.scenario.providerLatency, most: timeout))
        guard !lifeline.isDead, !Task.isCancelled else { return .failed(detail: "ended") }
        let trouble = remote.trouble(channel.id)
        if trouble.isRefused { return .unauthorized(detail: "the key is refused") }
        if trouble.isDown { return .down(detail: "the session is down") }
        return trouble.isOut ? .failed(detail: "busy") : .up
    }

    func control(_ command: SessionCommand, of channel: Channel, timeout: Duration) async -> SessionControlAnswer {
        .unsupported(detail: "nobody asks")
    }

    func validate(credentials: JSONObject) -> [FieldError] { [] }
    func validate(_ payload: Payload) -> [FieldError] { [] }

    // MARK: Webhooks

    static let proofHeader = "x-proof"

    func isAuthentic(headers: [String: String], body: [UInt8], channel: Channel) -> Bool {
        guard let secret = channel.webhookSecret?.exposed, let given = headers[Self.proofHeader] else { return false }
        return secret == given
    }

    func verification(query: [String: String], channel: Channel) -> String? { nil }
    func redacted(webhook body: [UInt8], channel: Channel) -> [UInt8] { body }

    /// `{"id", "level", "recipient"?, "text"?}`, or `{"session": "up" | "down"}`.
    func events(
        webhook body: [UInt8], receivedAt: Timestamp, channel: Channel
    ) throws(WebhookError) -> [ProviderEvent] {
        guard let value = try? JSONParser.value(body) else { throw WebhookError("it is not JSON") }
        if let session = value["session"]?.stringValue { return [.session(isUp: session == "up", detail: session)] }
        guard let id = value["id"]?.stringValue, let code = value["level"]?.integerValue,
            let level = AcknowledgementLevel(rawValue: Int(code))
        else { throw WebhookError("it has no id and level") }
        var echo: Acknowledgement.Echo?
        if let recipient = value["recipient"]?.stringValue, let text = value["text"]?.stringValue {
            echo = .init(recipient: PhoneNumber(unchecked: recipient), text: text)
        }
        return [
            .acknowledgement(
                Acknowledgement(channel: channel.id, messageID: id, level: level, at: receivedAt, echo: echo))
        ]
    }
}
