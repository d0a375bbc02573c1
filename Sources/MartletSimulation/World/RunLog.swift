import Martlet
import Synchronization

/// What was done to the service during a run, as far as the judge must know it to judge fairly, and what was found wrong
/// while it ran.
final class RunLog: Sendable {
    /// Limits that held from then until then; two at a time while a change is under way.
    struct LimitSpan: Sendable {
        var from: MonotonicInstant
        var to: MonotonicInstant?
        var limits: [RateLimit]
    }

    struct Counts: Sendable {
        var crashes = 0
        var cancellations = 0
        var stalls = 0
        var jumps = 0
        var storeFaults = 0
    }

    private struct State {
        var violations: [String] = []
        var deaths: [Int: MonotonicInstant] = [:]
        var stalls: [Int: MonotonicInstant] = [:]
        var forwardJumps: [MonotonicInstant] = []
        var limits: [ThrottleScope: [LimitSpan]] = [:]
        var openClaims: [MessageID: (incarnation: Int, token: Int64)] = [:]
        var counts = Counts()
    }

    private let state = Mutex(State())
    private let time: any TimeSource
    private let trace: Trace

    init(time: any TimeSource, trace: Trace) {
        self.time = time
        self.trace = trace
    }

    func violation(_ text: String) {
        trace.note("VIOLATION \(text)")
        state.withLock { $0.violations.append(text) }
    }

    var violations: [String] { state.withLock { $0.violations } }
    var counts: Counts { state.withLock { $0.counts } }
    func count(_ change: (inout Counts) -> Void) { state.withLock { change(&$0.counts) } }

    // MARK: Nodes

    func died(_ incarnation: Int) {
        let now = time.monotonicNow()
        state.withLock { if $0.deaths[incarnation] == nil { $0.deaths[incarnation] = now } }
    }

    func stalled(_ incarnation: Int) {
        let now = time.monotonicNow()
        state.withLock { $0.stalls[incarnation] = now }
    }

    func death(of incarnation: Int) -> MonotonicInstant? { state.withLock { $0.deaths[incarnation] } }

    // MARK: Claims

    func claimed(_ claims: [Claim], by incarnation: Int) {
        state.withLock { state in
            for claim in claims { state.openClaims[claim.message.id] = (incarnation, claim.token) }
        }
    }

    func settled(_ message: MessageID, token: Int64) {
        state.withLock { state in
            if state.openClaims[message]?.token == token { state.openClaims[message] = nil }
        }
    }

    /// Somebody took over that many claims: they must have been those of nodes that are dead or hang.
    func recovered(_ count: Int, unknownNow: Set<MessageID>) {
        let (eligible, taken) = state.withLock { state in
            let eligible = state.openClaims.filter { _, claim in
                state.deaths[claim.incarnation] != nil || state.stalls[claim.incarnation] != nil
            }
            let taken = state.openClaims.filter { unknownNow.contains($0.key) }
            for id in taken.keys { state.openClaims[id] = nil }
            return (eligible.count, taken.count)
        }
        if count > eligible {
            violation("\(count) claims were taken over, \(taken) of them open, while \(eligible) were a lost worker's")
        }
    }

    // MARK: Time and limits

    func jumpedForward() {
        let now = time.monotonicNow()
        state.withLock { $0.forwardJumps.append(now) }
    }

    func hasForwardJump(between first: MonotonicInstant, and second: MonotonicInstant) -> Bool {
        state.withLock { $0.forwardJumps.contains { $0 >= first && $0 <= second } }
    }

    var lastForwardJump: MonotonicInstant? { state.withLock { $0.forwardJumps.last } }

    /// From now on a channel or a tenant may have these limits; what it had before holds until ``changed(_:)`` at least.
    func changing(_ scope: ThrottleScope, to limits: [RateLimit]) {
        let span = LimitSpan(from: time.monotonicNow(), limits: limits)
        state.withLock { $0.limits[scope, default: []].append(span) }
    }

    /// The change is made: the newest limits alone hold.
    func changed(_ scope: ThrottleScope) {
        let now = time.monotonicNow()
        state.withLock { state in
            guard var spans = state.limits[scope] else { return }
            for index in spans.indices.dropLast() where spans[index].to == nil { spans[index].to = now }
            state.limits[scope] = spans
        }
    }

    var limits: [ThrottleScope: [LimitSpan]] { state.withLock { $0.limits } }
}
