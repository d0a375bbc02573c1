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
        var isMade = false
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
        /// Until when a node hung, the last time; nil for one that never came back whole.
        var stalls: [Int: MonotonicInstant?] = [:]
        var forwardJumps: [MonotonicInstant] = []
        var limits: [ThrottleScope: [LimitSpan]] = [:]
        var openClaims: [MessageID: (incarnation: Int, token: Int64, at: MonotonicInstant)] = [:]
        var newestTokens: [MessageID: Int64] = [:]
        var claimants: [MessageID: Int] = [:]
        var overtaken: Set<Int> = []
        /// Nodes that asked for longer leases and have not had them: the store is slow, full or away.
        var unrenewed: Set<Int> = []
        var counts = Counts()

        /// Whether the claim was made before its node hung, or by what it was about to do when it began to hang.
        func hungWith(_ claim: (incarnation: Int, token: Int64, at: MonotonicInstant)) -> Bool {
            guard let stall = stalls[claim.incarnation] else { return false }
            guard let until = stall else { return true }
            return claim.at <= until + .seconds(1)
        }
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

    func stalled(_ incarnation: Int, until: MonotonicInstant?) {
        state.withLock { $0.stalls[incarnation] = .some(until) }
    }

    func death(of incarnation: Int) -> MonotonicInstant? { state.withLock { $0.deaths[incarnation] } }

    // MARK: Claims

    func claimed(_ claims: [Claim], by incarnation: Int) {
        let now = time.monotonicNow()
        state.withLock { state in
            for claim in claims {
                if let before = state.claimants[claim.message.id], before != incarnation, state.stalls[before] != nil {
                    state.overtaken.insert(before)
                }
                state.claimants[claim.message.id] = incarnation
                state.openClaims[claim.message.id] = (incarnation, claim.token, now)
                state.newestTokens[claim.message.id] = claim.token
            }
        }
    }

    /// Whether another node has claimed anew what this one had in hand when it began to hang.
    func isOvertaken(_ incarnation: Int) -> Bool { state.withLock { $0.overtaken.contains(incarnation) } }

    /// Whether a node has claims in hand.
    func hasClaims(_ incarnation: Int) -> Bool {
        state.withLock { $0.openClaims.values.contains { $0.incarnation == incarnation } }
    }

    /// A settlement was taken: it must have been that of the newest claim.
    func settled(_ message: MessageID, token: Int64) {
        let newest = state.withLock { state in
            if state.openClaims[message]?.token == token { state.openClaims[message] = nil }
            return state.newestTokens[message]
        }
        if let newest, newest != token {
            violation("\(message.short) was settled with token \(token) while \(newest) is the newest")
        }
    }

    /// A node asks for longer leases.
    func renewing(_ incarnation: Int) { state.withLock { _ = $0.unrenewed.insert(incarnation) } }

    /// A node has them.
    func renewed(_ incarnation: Int) { state.withLock { _ = $0.unrenewed.remove(incarnation) } }

    /// Somebody took over that many claims: they must have been those of nodes that are dead, hang, or cannot renew them.
    func recovered(_ count: Int, unknownNow: Set<MessageID>) {
        let (eligible, taken) = state.withLock { state in
            let eligible = state.openClaims.filter { _, claim in
                state.deaths[claim.incarnation] != nil || state.unrenewed.contains(claim.incarnation)
                    || state.hungWith(claim)
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

    /// From now on a channel or a tenant may have these limits; what it had before holds until ``changed(_:_:)`` at least.
    /// - returns: the number of the change.
    @discardableResult
    func changing(_ scope: ThrottleScope, to limits: [RateLimit]) -> Int {
        let span = LimitSpan(from: time.monotonicNow(), limits: limits)
        return state.withLock { state in
            state.limits[scope, default: []].append(span)
            return (state.limits[scope]?.count ?? 1) - 1
        }
    }

    /// A change is made: what was made before it holds no longer. Another one may still be under way.
    func changed(_ scope: ThrottleScope, _ number: Int) {
        let now = time.monotonicNow()
        state.withLock { state in
            guard var spans = state.limits[scope] else { return }
            for index in spans.indices where spans[index].isMade && spans[index].to == nil { spans[index].to = now }
            spans[number].isMade = true
            state.limits[scope] = spans
        }
    }

    var limits: [ThrottleScope: [LimitSpan]] { state.withLock { $0.limits } }
}
