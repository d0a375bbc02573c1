import DequeModule

/// Decides how many requests may go out now so that no sliding window at the provider ever holds more than its limit.
///
/// Two things hold together. **Pace**: one token bucket for each limit, filled at `headroom` × the limit's rate, whose burst
/// is what the headroom leaves free; it keeps the flow even. **Proof**: for each limit, the requests that are in flight plus
/// those whose answer came within the window stay under the limit.
///
/// Why the second is a proof. The provider receives a request after it was granted and before it was answered. Take any
/// window at the provider and, of the requests received in it, the one granted last, at time *g*; the window ends at or after
/// *g*. Every other one of them was received after the window's start, so its answer came after *g − window*, or it was
/// still in flight at *g*: each was counted when the last one was granted. Hence there are never more than the limit,
/// however the network delays or bunches them. The price: with a latency of *L*, a limit's rate is at most
/// count ÷ (window + *L*), which is below the paced rate only when *L* exceeds window × (1 ÷ headroom − 1).
package struct RateLimiter: Sendable {
    private struct Bucket: Sendable {
        let limit: RateLimit
        let window: Duration
        /// Tokens a second at full pace.
        let rate: Double
        let burst: Double
        var tokens: Double
    }

    private var buckets: [Bucket]
    private var windowMax: Duration
    private var countMax: Int
    /// When requests were answered, oldest first; no longer than the largest window and count need.
    private var answers: Deque<MonotonicInstant> = []
    private var inFlight = 0
    private var filledAt: MonotonicInstant
    private var pausedUntil: MonotonicInstant
    /// Share of the rate: `paceBase` at `paceSince`, growing to 1 over `paceDuration`.
    private var paceBase = 1.0
    private var paceSince: MonotonicInstant
    private var paceDuration: Duration = .seconds(1)
    private var penaltiesInRow = 0
    private var penalizedAt: MonotonicInstant?

    /// The slowest a provider's 429s make a scope, as a share of its rate.
    package static let paceMin = 0.1
    /// How long it takes from the slowest to full pace when no 429 comes.
    package static let recovery: Duration = .seconds(30)
    /// The pace a resumed channel starts with, and how long it takes to full pace.
    package static let rampStart = 0.2
    package static let rampDuration: Duration = .seconds(10)

    /// - parameter headroom: share of each limit to use, above 0 and at most 1.
    package init(limits: [RateLimit], headroom: Double, now: MonotonicInstant) {
        buckets = limits.map { limit in
            let paced = Double(limit.count) * headroom
            let burst = max(1, (Double(limit.count) - paced).rounded(.down))
            return Bucket(
                limit: limit, window: limit.window, rate: paced / limit.perSeconds, burst: burst, tokens: burst)
        }
        windowMax = buckets.map(\.window).max() ?? .zero
        countMax = limits.map(\.count).max() ?? 0
        filledAt = now
        pausedUntil = now
        paceSince = now
    }

    /// The rate the scope aims at when nothing slows it, in requests a second; infinite without limits.
    package var ratePerSecond: Double { buckets.map(\.rate).min() ?? .infinity }

    /// Takes over other limits. What is in flight, what was answered, and a pause go on counting: a change of limits is no
    /// new beginning.
    package mutating func reconfigure(limits: [RateLimit], headroom: Double, now: MonotonicInstant) {
        fill(now: now)
        let left = buckets.map(\.tokens).min()
        let changed = RateLimiter(limits: limits, headroom: headroom, now: now)
        buckets = changed.buckets
        windowMax = changed.windowMax
        countMax = changed.countMax
        if let left { for index in buckets.indices { buckets[index].tokens = min(buckets[index].burst, left) } }
        trim(now: now)
    }

    /// Fills the windows with what was sent before a restart, or before there were windows, given as ages; those requests are
    /// taken as answered then. What is remembered already is not counted again.
    package mutating func restore(ages: [Duration], now: MonotonicInstant) {
        let known = answers.first
        let restored = ages.filter { $0 < windowMax }.map { now + (.zero - $0) }.filter { instant in
            known.map { instant < $0 } ?? true
        }
        answers = Deque((restored + answers).sorted())
        trim(now: now)
        // Whatever the buckets held was spent before the restart; they start empty and fill at their rate.
        if !restored.isEmpty { for index in buckets.indices { buckets[index].tokens = 0 } }
        filledAt = now
    }

    /// How many of `count` may go now, and when to ask again for the rest. Grants nothing by itself: see ``take(_:)``.
    package mutating func available(_ count: Int, now: MonotonicInstant) -> ThrottleGrant {
        fill(now: now)
        if now < pausedUntil { return ThrottleGrant(count: 0, retryAfter: pausedUntil - now) }
        var granted = count
        var wait = Duration.zero
        for bucket in buckets {
            granted = min(granted, Int(bucket.tokens))
            let counted = inFlight + answeredWithin(bucket.window, now: now)
            granted = min(granted, max(0, bucket.limit.count - counted))
        }
        guard granted < count else { return ThrottleGrant(count: count, retryAfter: nil) }
        let pace = pace(now: now)
        for bucket in buckets {
            let missing = Double(granted + 1) - bucket.tokens
            if missing > 0 {
                wait = max(wait, .nanoseconds(Int64((missing / (bucket.rate * pace) * 1e9).rounded(.up))))
            }
            let counted = inFlight + answeredWithin(bucket.window, now: now)
            if bucket.limit.count - counted < granted + 1 {
                // The window frees a place when its oldest answers leave; with all places in flight, an answer must come first.
                let excess = counted + granted + 1 - bucket.limit.count
                let first = answers.count - answeredWithin(bucket.window, now: now)
                if excess <= answers.count - first {
                    wait = max(wait, answers[first + excess - 1] + bucket.window - now)
                } else {
                    wait = max(wait, bucket.window)
                }
            }
        }
        return ThrottleGrant(count: granted, retryAfter: max(wait, .microseconds(100)))
    }

    /// Spends what ``available(_:now:)`` allowed.
    package mutating func take(_ count: Int) {
        for index in buckets.indices { buckets[index].tokens -= Double(count) }
        inFlight += count
    }

    /// A granted request was not made after all.
    package mutating func giveBack(_ count: Int) {
        for index in buckets.indices {
            buckets[index].tokens = min(buckets[index].burst, buckets[index].tokens + Double(count))
        }
        inFlight = max(0, inFlight - count)
    }

    /// A granted request was answered, or given up.
    package mutating func answered(now: MonotonicInstant) {
        inFlight = max(0, inFlight - 1)
        guard !buckets.isEmpty else { return }
        answers.append(max(now, answers.last ?? now))
        trim(now: now)
    }

    /// The provider said 429. Pauses for as long as it said, else 1 s doubling to 60 s while they go on, and halves the pace.
    /// - returns: how long the pause is from now.
    package mutating func penalize(retryAfter: Duration?, now: MonotonicInstant) -> Duration {
        let isFirstOfStorm = now >= pausedUntil
        if isFirstOfStorm {
            // A quiet minute forgives what was before.
            if let penalizedAt, now - penalizedAt > .seconds(60) { penaltiesInRow = 0 }
            paceBase = max(Self.paceMin, pace(now: now) / 2)
            penaltiesInRow += 1
            penalizedAt = now
        }
        let pause = retryAfter ?? .seconds(min(60, 1 << min(6, max(0, penaltiesInRow - 1))))
        pausedUntil = max(pausedUntil, now + pause)
        paceSince = pausedUntil
        paceDuration = Self.recovery
        for index in buckets.indices { buckets[index].tokens = min(buckets[index].tokens, 0) }
        filledAt = max(filledAt, pausedUntil)
        return pausedUntil - now
    }

    /// Starts slowly and speeds up, after a pause that had another reason.
    package mutating func ramp(now: MonotonicInstant) {
        fill(now: now)
        paceBase = min(pace(now: now), Self.rampStart)
        paceSince = now
        paceDuration = Self.rampDuration
        for index in buckets.indices { buckets[index].tokens = min(buckets[index].tokens, 1) }
    }

    /// The share of the rate that is used now.
    package func pace(now: MonotonicInstant) -> Double {
        guard paceBase < 1, now > paceSince else { return paceBase }
        return min(1, paceBase + (1 - paceBase) * ((now - paceSince) / paceDuration))
    }

    private mutating func fill(now: MonotonicInstant) {
        guard now > filledAt else { return }
        let elapsed = (now - filledAt).seconds * pace(now: now)
        for index in buckets.indices {
            buckets[index].tokens = min(buckets[index].burst, buckets[index].tokens + elapsed * buckets[index].rate)
        }
        filledAt = now
        trim(now: now)
    }

    private mutating func trim(now: MonotonicInstant) {
        while let first = answers.first, answers.count > countMax || now - first >= windowMax { answers.removeFirst() }
    }

    /// Answers younger than the window, by binary search in a sorted queue.
    private func answeredWithin(_ window: Duration, now: MonotonicInstant) -> Int {
        var low = 0
        var high = answers.count
        while low < high {
            let middle = (low + high) / 2
            if now - answers[middle] >= window { low = middle + 1 } else { high = middle }
        }
        return answers.count - low
    }
}
