import DequeModule
import HeapModule

/// Which channels have something to send, and which of them may: the dispatcher's memory, without a clock, a lock or I/O.
///
/// A channel is looked at when something about it changed (a message became due, a request was answered, a pause ended), in
/// turn with all others; so ten thousand idle channels cost nothing, and a channel with a million messages gets its turn
/// and no more.
package struct LaneBoard: Sendable {
    package struct Lane: Sendable {
        package var channel: Channel
        package var concurrency: Int
        package var breaker: CircuitBreaker
        /// When its first waiting job is due, as far as is known; nil when none waits.
        package var nextDueAt: Timestamp?
        package var inFlight = 0
        /// Nothing may go before then: the throttle said so.
        package var blockedUntil: MonotonicInstant?
        /// Grows with each claim and each answer that was stored.
        package fileprivate(set) var progress: UInt64 = 0
        /// The earliest due time of what came while a claim was under way, whose answer cannot know of it.
        fileprivate var dueSinceClaim: Timestamp?
        fileprivate var isClaiming = false
        /// It is blocked because the store could not be asked, not because it should wait.
        fileprivate var isFailing = false
        fileprivate var isReady = false
        /// The earliest timer that stands for the channel, so that a thousand wake-ups set one.
        fileprivate var timerAt: MonotonicInstant?
    }

    /// What to ask for on behalf of one channel.
    package struct Wish: Sendable, Equatable {
        package var channel: ChannelID
        package var count: Int
        package var isProbe: Bool
    }

    private struct Timer: Sendable, Comparable {
        var at: MonotonicInstant
        var channel: ChannelID
        static func < (left: Timer, right: Timer) -> Bool { left.at < right.at }
    }

    private var lanes: [ChannelID: Lane] = [:]
    private var ready: Deque<ChannelID> = []
    private var timers: Heap<Timer> = []
    /// Time for which channels that had something due waited for their rate limit, by provider.
    private var throttled: [String: Duration] = [:]

    /// Messages claimed of one channel in one go, at most, so that a claim stays short and others get their turn.
    package static let claimMax = 128

    package init() {}

    package var isEmpty: Bool { lanes.isEmpty }
    package var channelIDs: [ChannelID] { Array(lanes.keys) }
    package subscript(_ id: ChannelID) -> Lane? { lanes[id] }

    /// The channels among these as the watch wants to know them. Channels that are not here cannot be dispatched at all, and
    /// have their own words for it.
    package func watched(_ due: some Sequence<ChannelID>, now: MonotonicInstant) -> [DispatchWatch.Lane] {
        due.compactMap { lanes[$0] }.map { lane in
            DispatchWatch.Lane(
                channel: lane.channel.id,
                isFree: lane.channel.status == .active
                    && (lane.isFailing || lane.blockedUntil.map { $0 <= now } ?? true),
                progress: lane.progress, inFlight: lane.inFlight)
        }
    }

    /// Requests in flight over all channels.
    package var inFlight: Int { lanes.values.reduce(0) { $0 + $1.inFlight } }

    /// A channel is new or has changed.
    package mutating func update(_ channel: Channel, concurrency: Int, now: MonotonicInstant) {
        if var lane = lanes[channel.id] {
            let hadStatus = lane.channel.status
            lane.channel = channel
            lane.concurrency = concurrency
            if channel.status == .active, hadStatus != .active { lane.breaker = CircuitBreaker() }
            lanes[channel.id] = lane
        } else {
            lanes[channel.id] = Lane(
                channel: channel, concurrency: concurrency,
                breaker: channel.status == .unavailable ? .reopened(now: now) : CircuitBreaker())
        }
        markReady(channel.id)
    }

    package mutating func remove(_ id: ChannelID) { lanes[id] = nil }

    /// A job of the channel is due then.
    package mutating func wake(_ id: ChannelID, dueAt: Timestamp) {
        guard var lane = lanes[id] else { return }
        lane.nextDueAt = min(lane.nextDueAt ?? dueAt, dueAt)
        if lane.isClaiming { lane.dueSinceClaim = min(lane.dueSinceClaim ?? dueAt, dueAt) }
        lanes[id] = lane
        markReady(id)
    }

    /// What the store says is due, for every channel that has anything: a net under the wake-ups.
    package mutating func refresh(_ nextDue: [ChannelID: Timestamp]) {
        for (id, dueAt) in nextDue.sorted(by: { $0.key < $1.key }) { wake(id, dueAt: dueAt) }
    }

    private mutating func setTimer(_ lane: inout Lane, at: MonotonicInstant) {
        if let timerAt = lane.timerAt, timerAt <= at { return }
        lane.timerAt = at
        timers.insert(Timer(at: at, channel: lane.channel.id))
    }

    private mutating func markReady(_ id: ChannelID) {
        guard lanes[id]?.isReady == false else { return }
        lanes[id]?.isReady = true
        ready.append(id)
    }

    /// The channels whose turn it is, at most that many, each with what it may ask the throttle for. Those that must wait
    /// get a timer. Each wish must be followed by ``claimed(_:…)`` or ``blocked(_:until:)`` or ``failed(_:)``.
    package mutating func wishes(limit: Int, capacity: Int, now: Timestamp, monotonicNow: MonotonicInstant) -> [Wish] {
        while let timer = timers.min, timer.at <= monotonicNow {
            _ = timers.popMin()
            if lanes[timer.channel]?.timerAt == timer.at { lanes[timer.channel]?.timerAt = nil }
            markReady(timer.channel)
        }
        var wishes: [Wish] = []
        var capacity = capacity
        var looked = 0
        let toLookAt = ready.count
        while wishes.count < limit, capacity > 0, looked < toLookAt, let id = ready.popFirst() {
            looked += 1
            guard var lane = lanes[id] else { continue }
            lane.isReady = false
            defer { lanes[id] = lane }
            guard let nextDueAt = lane.nextDueAt, !lane.isClaiming else { continue }
            if nextDueAt > now {
                setTimer(&lane, at: monotonicNow + (nextDueAt - now))
                continue
            }
            if let blockedUntil = lane.blockedUntil {
                if blockedUntil > monotonicNow {
                    setTimer(&lane, at: blockedUntil)
                    continue
                }
                lane.blockedUntil = nil
            }
            var count = min(lane.concurrency - lane.inFlight, Self.claimMax, capacity)
            var isProbe = false
            switch lane.channel.status {
            case .paused, .disconnected, .unauthorized: continue
            case .active: break
            case .unavailable:
                switch lane.breaker.allowance(now: monotonicNow) {
                case .all: break
                case .probe:
                    count = min(count, 1)
                    isProbe = true
                case .nothing(let until):
                    if let until { setTimer(&lane, at: until) }
                    continue
                }
            }
            // With every place taken, an answer brings the channel back here.
            guard count > 0 else { continue }
            lane.isClaiming = true
            lane.dueSinceClaim = nil
            if isProbe { lane.breaker.probed() }
            capacity -= count
            wishes.append(Wish(channel: id, count: count, isProbe: isProbe))
        }
        return wishes
    }

    /// The throttle grants nothing before then.
    package mutating func blocked(_ wish: Wish, until: MonotonicInstant, now: MonotonicInstant) {
        guard let lane = lanes[wish.channel] else { return }
        countThrottled(lane, until: until, now: now)
        endClaim(wish, isFailing: false, blockedUntil: until)
    }

    /// Counts the time from now to the end of the block, less what an earlier block has counted.
    private mutating func countThrottled(_ lane: Lane, until: MonotonicInstant, now: MonotonicInstant) {
        let from = max(now, lane.blockedUntil ?? now)
        if until > from { throttled[lane.channel.provider, default: .zero] += until - from }
    }

    /// For how long channels that had something due were made to wait by their rate limit, by provider, since this was asked
    /// last. A wait is counted when it begins.
    package mutating func takeThrottledTime() -> [String: Duration] {
        defer { throttled = [:] }
        return throttled
    }

    /// The claim gave that many; the throttle asks to wait until `blockedUntil` for more.
    /// - parameter isMoreDue: whether something is left that is due now.
    package mutating func claimed(
        _ wish: Wish, count: Int, nextDueAt: Timestamp?, isMoreDue: Bool, blockedUntil: MonotonicInstant?,
        now: MonotonicInstant
    ) {
        guard var lane = lanes[wish.channel] else { return }
        if isMoreDue, let blockedUntil { countThrottled(lane, until: blockedUntil, now: now) }
        lane.isClaiming = false
        lane.inFlight += count
        lane.isFailing = false
        if count > 0 { lane.progress += 1 }
        lane.nextDueAt = [nextDueAt, lane.dueSinceClaim].compactMap { $0 }.min()
        lane.dueSinceClaim = nil
        // A pause that the provider asked for while the claim was under way stands.
        lane.blockedUntil = [lane.blockedUntil, blockedUntil].compactMap(\.self).max()
        if wish.isProbe, count == 0 { lane.breaker.probeSkipped(now: now) }
        lanes[wish.channel] = lane
        markReady(wish.channel)
    }

    /// The store could not be asked; try again after a while.
    package mutating func failed(_ wish: Wish, until: MonotonicInstant) {
        endClaim(wish, isFailing: true, blockedUntil: until)
    }

    private mutating func endClaim(_ wish: Wish, isFailing: Bool, blockedUntil until: MonotonicInstant) {
        guard var lane = lanes[wish.channel] else { return }
        lane.isClaiming = false
        lane.isFailing = isFailing
        lane.blockedUntil = until
        if wish.isProbe { lane.breaker.probeSkipped(now: until) }
        setTimer(&lane, at: until)
        lanes[wish.channel] = lane
    }

    /// The channel pauses: the provider said so.
    package mutating func pause(_ id: ChannelID, until: MonotonicInstant, now: MonotonicInstant) {
        guard let lane = lanes[id] else { return }
        // What was refused waits, whatever else does.
        countThrottled(lane, until: until, now: now)
        lanes[id]?.blockedUntil = max(lane.blockedUntil ?? until, until)
    }

    /// A request of the channel is over and stored.
    package mutating func finished(_ id: ChannelID, nextDueAt: Timestamp?) {
        guard lanes[id] != nil else { return }
        lanes[id]?.inFlight -= 1
        lanes[id]?.progress += 1
        if let nextDueAt { wake(id, dueAt: nextDueAt) } else { markReady(id) }
    }

    /// Feeds an outcome to the channel's breaker. Answers what it did.
    package mutating func observe(
        _ id: ChannelID, outcome: Outcome, message: MessageID, now: MonotonicInstant
    ) -> BreakerChange? {
        guard lanes[id] != nil else { return nil }
        switch outcome {
        case .transient, .unknown:
            return lanes[id]?.breaker.failed(message, now: now) == true ? .opened : nil
        case .accepted, .rejected, .throttled, .sessionDown, .unauthorized:
            return lanes[id]?.breaker.succeeded() == true ? .closed : nil
        }
    }

    package enum BreakerChange: Sendable { case opened, closed }

    /// When to look again if nothing happens meanwhile; nil for never.
    package func nextTimer() -> MonotonicInstant? { timers.min?.at }
    package var hasReady: Bool { !ready.isEmpty }
}
