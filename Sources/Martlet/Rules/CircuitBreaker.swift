/// Decides when a channel's provider is to be left alone, and when to try whether it is back.
///
/// Ten transient or unknown failures in a row, over at least five messages, open it. Open, it lets one message through
/// as a probe after 5 s, then after 10, 20, 40, 60 s …, until one succeeds.
package struct CircuitBreaker: Sendable, Equatable {
    package enum Allowance: Sendable, Equatable {
        case all
        /// One message, as a probe; ``probed()`` says that it went.
        case probe
        /// Nothing until then; nil while a probe is under way.
        case nothing(until: MonotonicInstant?)
    }

    private enum State: Sendable, Equatable {
        case closed
        case open(probeAt: MonotonicInstant, interval: Duration)
        case probing(interval: Duration)
    }

    package static let failuresMin = 10
    package static let messagesMin = 5
    package static let firstProbe: Duration = .seconds(5)
    package static let probeIntervalMax: Duration = .seconds(60)

    private var state = State.closed
    private var failuresInRow = 0
    private var failedMessages: Set<MessageID> = []

    package init() {}

    /// A breaker that was open before a restart: its first probe may go at once.
    package static func reopened(now: MonotonicInstant) -> CircuitBreaker {
        var breaker = CircuitBreaker()
        breaker.state = .open(probeAt: now, interval: firstProbe)
        return breaker
    }

    package var isClosed: Bool { state == .closed }

    package func allowance(now: MonotonicInstant) -> Allowance {
        switch state {
        case .closed: .all
        case .probing: .nothing(until: nil)
        case .open(let probeAt, _): now >= probeAt ? .probe : .nothing(until: probeAt)
        }
    }

    /// The probe was sent.
    package mutating func probed() {
        if case .open(_, let interval) = state { state = .probing(interval: interval) }
    }

    /// The probe could not be made, because nothing was there to send.
    package mutating func probeSkipped(now: MonotonicInstant) {
        if case .probing(let interval) = state { state = .open(probeAt: now, interval: interval) }
    }

    /// The provider answered, whatever it said. True when that closed the breaker.
    package mutating func succeeded() -> Bool {
        let wasOpen = state != .closed
        state = .closed
        failuresInRow = 0
        failedMessages = []
        return wasOpen
    }

    /// A transient or unknown failure. True when that opened the breaker.
    package mutating func failed(_ message: MessageID, now: MonotonicInstant) -> Bool {
        switch state {
        case .closed:
            failuresInRow += 1
            if failedMessages.count < Self.messagesMin { failedMessages.insert(message) }
            guard failuresInRow >= Self.failuresMin, failedMessages.count >= Self.messagesMin else { return false }
            state = .open(probeAt: now + Self.firstProbe, interval: Self.firstProbe)
            return true
        case .probing(let interval):
            let longer = min(interval * 2, Self.probeIntervalMax)
            state = .open(probeAt: now + longer, interval: longer)
            return false
        case .open:
            // A request that was under way when the breaker opened.
            return false
        }
    }
}
