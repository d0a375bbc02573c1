import Martlet
import MartletTestSupport
import Synchronization

/// The provider at the other end of the line, as one for all channels and nodes: it goes on when a node dies, and what it
/// has accepted stays accepted.
final class RemoteProvider: Sendable {
    /// A message the provider has taken.
    struct Acceptance: Sendable {
        var message: MessageID
        var channel: ChannelID
        var recipient: PhoneNumber
        var text: String
        var submission: String
        var wire: String
        var at: MonotonicInstant
        /// By the provider's own clock, which is right.
        var wall: Timestamp
        var level = AcknowledgementLevel.pending
    }

    /// What is wrong with a channel at the provider.
    struct Trouble: Sendable {
        var isDown = false
        var isRefused = false
        var isOut = false
        var storm: (isOn: Bool, retryAfter: Duration?) = (false, nil)
    }

    private struct State {
        var acceptances: [Acceptance] = []
        var bySubmission: [String: Int] = [:]
        var troubles: [ChannelID: Trouble] = [:]
        var odds: Scenario.Odds
        var arrivals = 0
    }

    let scenario: Scenario
    let time: VirtualTime
    let start: Timestamp
    let chance: Chance
    let agenda: Agenda
    let ledger: Ledger
    let trace: Trace
    private let state: Mutex<State>
    /// Brings a webhook to whatever node runs.
    private let post: LateCall<WebhookDelivery>

    init(
        scenario: Scenario, seed: UInt64, time: VirtualTime, agenda: Agenda, ledger: Ledger, trace: Trace,
        post: LateCall<WebhookDelivery>
    ) {
        self.scenario = scenario
        self.time = time
        start = time.now()
        chance = Chance(seed: seed, for: "provider")
        self.agenda = agenda
        self.ledger = ledger
        self.trace = trace
        self.post = post
        state = Mutex(State(odds: scenario.odds))
    }

    var odds: Scenario.Odds { state.withLock { $0.odds } }
    var acceptances: [Acceptance] { state.withLock { $0.acceptances } }

    /// The provider's clock.
    private var wall: Timestamp { start + .nanoseconds(time.monotonicNow().nanoseconds) }

    // MARK: Trouble

    func trouble(_ channel: ChannelID) -> Trouble { state.withLock { $0.troubles[channel] ?? Trouble() } }

    func change(_ channel: ChannelID, _ change: (inout Trouble) -> Void) {
        state.withLock { change(&$0.troubles[channel, default: Trouble()]) }
    }

    /// All trouble is over; nothing is lost any more.
    func calmDown() {
        state.withLock { state in
            state.troubles = [:]
            state.odds = Scenario.Odds()
        }
    }

    // MARK: Requests

    /// A request has come in. Decides, enters it into the ledger, and answers.
    func receive(_ call: SendCall) -> SendAnswer {
        let odds = odds
        let trouble = trouble(call.channel.id)
        var answer: SendAnswer
        let verdict: Ledger.Verdict
        if trouble.isRefused {
            verdict = .unauthorized
            answer = SendAnswer(.unauthorized(detail: "the key is refused"), httpStatus: 401)
        } else if trouble.isDown {
            verdict = .sessionDown
            answer = SendAnswer(.sessionDown(detail: "the session is down"), httpStatus: 409)
        } else if trouble.storm.isOn || chance.happens(odds.throttled) {
            let retryAfter = trouble.storm.isOn ? trouble.storm.retryAfter : .seconds(chance.integer(1...3))
            verdict = .throttled(retryAfter)
            answer = SendAnswer(.throttled(retryAfter: retryAfter, detail: "slow down"), httpStatus: 429)
        } else if trouble.isOut || chance.happens(odds.transient) {
            verdict = .transient
            let retryAfter: Duration? = chance.happens(0.2) ? .seconds(chance.integer(1...6)) : nil
            answer = SendAnswer(.transient(detail: "busy", retryAfter: retryAfter), httpStatus: 503)
        } else if chance.happens(odds.rejected) {
            verdict = .rejected
            answer = SendAnswer(.rejected(ErrorReason(.invalidRecipient, "no such number")), httpStatus: 422)
        } else {
            let acceptance = accept(call)
            verdict = .accepted(submission: acceptance.submission, wire: acceptance.wire)
            let isTold = call.kind != .asked
            answer = SendAnswer(
                .accepted(submissionID: acceptance.submission, messageID: isTold ? acceptance.wire : nil),
                httpStatus: 200)
        }
        let number = state.withLock { state in
            state.arrivals += 1
            return state.arrivals
        }
        trace.note(
            "arrival \(number) \(call.message.id.short) on \(call.channel.id.short) from node \(call.incarnation): \(verdict)"
        )
        ledger.record(
            Ledger.Arrival(
                number: number, call: call.number, message: call.message.id, channel: call.channel.id,
                tenant: call.message.tenantID,
                recipient: call.message.recipient, text: call.message.payload.visibleText ?? "",
                priority: call.message.priority, incarnation: call.incarnation, calledAt: call.calledAt,
                calledAtWall: call.calledAtWall, at: time.monotonicNow(), verdict: verdict))
        if chance.happens(odds.garbage) {
            answer = SendAnswer(.unknown(detail: "the answer cannot be read"), httpStatus: 502)
        }
        return answer
    }

    private func accept(_ call: SendCall) -> Acceptance {
        let acceptance = state.withLock { state in
            let number = state.acceptances.count + 1
            let acceptance = Acceptance(
                message: call.message.id, channel: call.channel.id, recipient: call.message.recipient,
                text: call.message.payload.visibleText ?? "", submission: "s\(number)",
                wire: call.kind == .asked ? "w\(number)" : "s\(number)", at: time.monotonicNow(), wall: wall)
            state.bySubmission[acceptance.submission] = state.acceptances.count
            state.acceptances.append(acceptance)
            return acceptance
        }
        planAcknowledgements(of: acceptance, call)
        return acceptance
    }

    // MARK: Acknowledgements

    private func planAcknowledgements(of acceptance: Acceptance, _ call: SendCall) {
        let odds = odds
        var steps: [(level: AcknowledgementLevel, after: Duration)] = []
        let server: Duration =
            chance.happens(odds.webhookEarly) ? .zero : chance.duration(.milliseconds(20) ... .milliseconds(800))
        steps.append((.server, server))
        if chance.happens(odds.failedLater) {
            steps.append((.failed, server + chance.duration(.milliseconds(100) ... .seconds(10))))
        } else {
            let device = server + chance.duration(.milliseconds(50) ... .seconds(4))
            steps.append((.device, device))
            if chance.happens(0.5) {
                steps.append((.read, device + chance.duration(.milliseconds(100) ... .seconds(8))))
            }
        }
        let secret = call.channel.webhookSecret?.exposed ?? ""
        for step in steps {
            agenda.after(step.after) { [self] in
                state.withLock { state in
                    guard let index = state.bySubmission[acceptance.submission] else { return }
                    state.acceptances[index].level = step.level
                }
                sendWebhook(step.level, of: acceptance, call.channel, echoes: call.kind.echoes, secret: secret)
            }
        }
    }

    private func sendWebhook(
        _ level: AcknowledgementLevel, of acceptance: Acceptance, _ channel: Channel, echoes: Bool, secret: String
    ) {
        var body: JSONObject = ["id": .string(acceptance.wire), "level": .integer(Int64(level.rawValue))]
        if echoes {
            body["recipient"] = .string(acceptance.recipient.text)
            body["text"] = .string(acceptance.text)
        }
        let delivery = WebhookDelivery(
            channel: channel.id, body: JSONValue.object(body).encoded(), secret: secret,
            acknowledges: (acceptance.wire, level))
        send(delivery)
    }

    /// Sends a webhook, as reliably as the odds have it.
    func send(_ delivery: WebhookDelivery) {
        let odds = odds
        if chance.happens(odds.webhookLost) { return }
        let copies = chance.happens(odds.webhookDoubled) ? 2 : 1
        for _ in 0..<copies {
            let wait: Duration =
                chance.happens(odds.webhookDelayed)
                ? chance.duration(.milliseconds(100) ... .seconds(25)) : chance.duration(.zero ... .milliseconds(40))
            agenda.after(wait) { [self] in post.call(delivery) }
        }
    }

    // MARK: Questions

    /// What a question about a message is answered with.
    func answer(_ question: LookUp, on channel: Channel, kind: Scenario.ProviderKind) -> LookUpAnswer {
        guard kind == .asked || kind == .known else { return .unsupported }
        let odds = odds
        if chance.happens(odds.lookUpFails) { return .failed(detail: "HTTP 500") }
        if chance.happens(odds.lookUpThrottled) {
            return .throttled(retryAfter: chance.happens(0.5) ? .seconds(chance.integer(1...3)) : nil)
        }
        let acceptances = acceptances
        let found: Acceptance?
        switch question.purpose {
        case .identity, .acknowledgement:
            found = acceptances.first { $0.submission == question.message.submissionID }
        case .outcome:
            // As in a message log: by recipient and text, with some room for clocks that differ.
            let since = question.attemptStartedAt - .seconds(10)
            let text = question.message.payload.visibleText
            let fitting = acceptances.filter {
                $0.channel == channel.id && $0.recipient == question.message.recipient && $0.text == text
                    && $0.wall >= since
            }
            if fitting.count > 1 { return .failed(detail: "\(fitting.count) sends fit") }
            found = fitting.first
        }
        // The log lags behind what it logs.
        guard let found, time.monotonicNow() - found.at > .milliseconds(500) else { return .notFound }
        let isTold = kind == .known || question.purpose != .outcome
        return .found(
            submissionID: found.submission, messageID: isTold ? found.wire : nil, level: found.level,
            detail: found.level == .failed ? "131026" : nil)
    }
}

/// A webhook on its way.
struct WebhookDelivery: Sendable {
    var channel: ChannelID
    var body: [UInt8]
    var secret: String
    /// What it says, for the judge.
    var acknowledges: (wire: String, level: AcknowledgementLevel)?
    var tries = 0
}

extension Scenario.ProviderKind {
    var echoes: Bool { self == .asked || self == .echoing }

    var traits: ProviderTraits {
        ProviderTraits(
            defaultBaseURL: "http://127.0.0.1", defaultLimits: [], concurrency: 5,
            needsIdentityLookUp: self == .asked, canLookUpAcknowledgement: self == .asked || self == .known,
            hasSessions: true)
    }
}
