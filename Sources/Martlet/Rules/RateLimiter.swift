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

    /// Answers of one moment.
    private struct Run: Sendable {
        var at: MonotonicInstant
        /// How many answers there have been up to this one, itself included.
        var total: Int
    }

    private var buckets: [Bucket]
    private var windowMax: Duration
    private var countMax: Int
    /// When requests were answered, oldest first; no longer than the largest window and count need.
    private var answers: Deque<Run> = []
    /// Answers there have been, and how many of them are no longer in ``answers``.
    private var answeredInAll = 0
    private var forgotten = 0
    /// Requests that were granted and not answered yet.
    package private(set) var inFlight = 0
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
    /// taken as answered then. A negative age is that of a request which may arrive yet, until then at the latest. What is
    /// remembered already is not counted again.
    package mutating func restore(ages: [Duration], now: MonotonicInstant) {
        let known = answers.first?.at
        let restored = ages.filter { $0 < windowMax }.map { now + (.zero - $0) }.filter { instant in
            known.map { instant < $0 } ?? true
        }
        setAnswers(restored.sorted().map { ($0, 1) } + countedAnswers)
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
                let within = answeredWithin(bucket.window, now: now)
                if excess <= within {
                    let leaving = answer(numbered: answeredInAll - within + excess)
                    wait = max(wait, leaving + bucket.window - now)
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

    /// Granted requests were answered, or given up.
    package mutating func answered(_ count: Int = 1, now: MonotonicInstant) {
        guard count > 0 else { return }
        inFlight = max(0, inFlight - count)
        guard !buckets.isEmpty else { return }
        answeredInAll += count
        if let last = answers.last, last.at >= now {
            answers[answers.count - 1].total = answeredInAll
        } else {
            answers.append(Run(at: now, total: answeredInAll))
        }
        trim(now: now)
    }

    /// Requests are in flight that were granted where this state was not known.
    package mutating func adopt(_ count: Int) { inFlight += max(0, count) }

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
        while let first = answers.first, answeredInAll - first.total >= countMax || now - first.at >= windowMax {
            forgotten = first.total
            answers.removeFirst()
        }
    }

    /// The answers as moments with their numbers, and what sets them.
    private var countedAnswers: [(at: MonotonicInstant, count: Int)] {
        var before = forgotten
        return answers.map { run in
            defer { before = run.total }
            return (run.at, run.total - before)
        }
    }

    private mutating func setAnswers(_ counted: [(at: MonotonicInstant, count: Int)]) {
        answers = []
        answeredInAll = 0
        forgotten = 0
        for entry in counted {
            answeredInAll += entry.count
            if let last = answers.last, last.at >= entry.at {
                answers[answers.count - 1].total = answeredInAll
            } else {
                answers.append(Run(at: entry.at, total: answeredInAll))
            }
        }
    }

    /// Answers younger than the window, by binary search in a sorted queue.
    private func answeredWithin(_ window: Duration, now: MonotonicInstant) -> Int {
        let first = answers.firstIndex(sorted: { now - $0.at < window })
        return answeredInAll - (first == 0 ? forgotten : answers[first - 1].total)
    }

    /// When the answer of that number came, counted from the first there was.
    private func answer(numbered number: Int) -> MonotonicInstant {
        answers[min(answers.firstIndex(sorted: { $0.total >= number }), answers.count - 1)].at
    }
}

// MARK: As a state that workers share

extension RateLimiter {
    /// Answers that a stored state tells apart, at most for each window.
    private static let answersPerWindow = 256

    /// How long it is worth gathering permissions before asking for more: half the time that fills the smallest burst, and
    /// 50 ms at most. Nothing is lost by it, and it bounds how often a shared state is asked.
    package var gatherInterval: Duration {
        let shortest = buckets.map { $0.burst / $0.rate / 2 }.min() ?? 0
        return min(.milliseconds(50), .nanoseconds(Int64(min(1, shortest) * 1e9)))
    }

    package var limits: [RateLimit] { buckets.map(\.limit) }

    /// Whether its answers reach back as far as those limits look.
    package func remembers(enoughFor limits: [RateLimit]) -> Bool {
        (limits.map(\.window).max() ?? .zero) <= windowMax && (limits.map(\.count).max() ?? 0) <= countMax
    }

    /// Moves every moment: the clock they were taken from was set back.
    package mutating func shift(by difference: Duration) {
        setAnswers(countedAnswers.map { ($0.at + difference, $0.count) })
        filledAt = filledAt + difference
        pausedUntil = pausedUntil + difference
        paceSince = paceSince + difference
        penalizedAt = penalizedAt.map { $0 + difference }
    }

    /// The answers with neighbours put together, so that a window of a day with many thousands is a few hundred. An answer is
    /// taken as later than it was, by a fraction of the window that still counts it, never as earlier: the proof holds.
    private func coarseAnswers(now: MonotonicInstant) -> [(at: MonotonicInstant, count: Int)] {
        let counted = countedAnswers
        guard counted.count > Self.answersPerWindow else { return counted }
        let windows = buckets.map(\.window).sorted()
        var coarse: [(at: MonotonicInstant, count: Int)] = []
        for entry in counted {
            let age = now - entry.at
            guard let index = windows.firstIndex(where: { age < $0 }) else { continue }
            let grain = max(1, (windows[index] / Self.answersPerWindow).wholeNanoseconds)
            // A whole number of grains, so that what is written again stays where it is.
            let later = MonotonicInstant(nanoseconds: (entry.at.nanoseconds + grain - 1) / grain * grain)
            // Not back into a window it has left already.
            let latest = index == 0 ? later : now + (.zero - windows[index - 1])
            let at = max(entry.at, min(later, latest))
            if let last = coarse.last, last.at >= at {
                coarse[coarse.count - 1].count += entry.count
            } else {
                coarse.append((at, entry.count))
            }
        }
        return coarse
    }

    func write(to writer: inout StateWriter, now: MonotonicInstant) {
        writer.write(buckets.count)
        for bucket in buckets {
            writer.write(bucket.limit.count)
            writer.write(bucket.limit.perSeconds)
            writer.write(bucket.rate)
            writer.write(bucket.burst)
            writer.write(bucket.tokens)
        }
        writer.write(filledAt)
        writer.write(pausedUntil)
        writer.write(paceBase)
        writer.write(paceSince)
        writer.write(paceDuration)
        writer.write(penaltiesInRow)
        writer.write(penalizedAt != nil)
        writer.write(penalizedAt ?? MonotonicInstant(nanoseconds: 0))
        let answers = coarseAnswers(now: now)
        writer.write(answers.count)
        for answer in answers {
            writer.write(answer.at)
            writer.write(answer.count)
        }
        writer.write(inFlight)
    }

    init(_ reader: inout StateReader) throws(StateReader.Malformed) {
        var buckets: [Bucket] = []
        for _ in 0..<(try reader.count(ofBytes: 40)) {
            let limit = RateLimit(count: try reader.amount(), perSeconds: try reader.double())
            guard limit.count > 0, limit.perSeconds > 0, limit.perSeconds < 1e9 else { throw StateReader.Malformed() }
            buckets.append(
                Bucket(
                    limit: limit, window: limit.window, rate: try reader.double(), burst: try reader.double(),
                    tokens: try reader.double()))
        }
        self.buckets = buckets
        windowMax = buckets.map(\.window).max() ?? .zero
        countMax = buckets.map(\.limit.count).max() ?? 0
        filledAt = try reader.instant()
        pausedUntil = try reader.instant()
        paceBase = try reader.double()
        paceSince = try reader.instant()
        paceDuration = try reader.duration()
        penaltiesInRow = try reader.amount()
        let isPenalized = try reader.bool()
        let penalizedAt = try reader.instant()
        self.penalizedAt = isPenalized ? penalizedAt : nil
        var answers: [(at: MonotonicInstant, count: Int)] = []
        for _ in 0..<(try reader.count(ofBytes: 16)) { answers.append((try reader.instant(), try reader.amount())) }
        inFlight = try reader.amount()
        setAnswers(answers)
    }
}

extension Duration {
    fileprivate var wholeNanoseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds * 1_000_000_000 + attoseconds / 1_000_000_000
    }
}

extension Deque {
    /// The first index whose element fulfils a condition that, once fulfilled, is so for all that follow; the end when none does.
    fileprivate func firstIndex(sorted isReached: (Element) -> Bool) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if isReached(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
