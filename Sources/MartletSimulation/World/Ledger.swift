import Martlet
import Synchronization

/// What the provider saw and did: the judge of a run.
final class Ledger: Sendable {
    /// A request to send as it arrived at the provider.
    struct Arrival: Sendable {
        var number: Int
        var message: MessageID
        var channel: ChannelID
        var tenant: TenantID
        var recipient: PhoneNumber
        var text: String
        var priority: Priority
        var incarnation: Int
        /// When the node made the call, by the clock that never jumps and by the node's own.
        var calledAt: MonotonicInstant
        var calledAtWall: Timestamp
        var at: MonotonicInstant
        var verdict: Verdict
    }

    /// What the provider did with a request.
    enum Verdict: Sendable, Equatable {
        case accepted(submission: String, wire: String)
        case rejected, throttled(Duration?), sessionDown, unauthorized, transient

        var isAcceptance: Bool { if case .accepted = self { true } else { false } }
    }

    /// How a call ended for the node that made it.
    struct Return: Sendable {
        var message: MessageID
        var incarnation: Int
        var at: MonotonicInstant
        var outcome: Outcome
    }

    /// A webhook that the service said it had stored.
    struct StoredWebhook: Sendable {
        var channel: ChannelID
        var wire: String
        var level: AcknowledgementLevel
        var at: MonotonicInstant
    }

    private struct State {
        var arrivals: [Arrival] = []
        var returns: [Return] = []
        var webhooks: [StoredWebhook] = []
    }

    private let state = Mutex(State())

    func record(_ arrival: Arrival) { state.withLock { $0.arrivals.append(arrival) } }
    func record(_ ending: Return) { state.withLock { $0.returns.append(ending) } }
    func record(_ webhook: StoredWebhook) { state.withLock { $0.webhooks.append(webhook) } }

    /// In the order in which they came.
    var arrivals: [Arrival] { state.withLock { $0.arrivals } }
    var returns: [Return] { state.withLock { $0.returns } }
    var webhooks: [StoredWebhook] { state.withLock { $0.webhooks } }
}
