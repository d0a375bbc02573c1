/// The exact sliding-window limiter of one session, and the counter of one endpoint.
///
/// It remembers the moments of the last sends, as many as the largest limit counts. A send is over a limit of *n* per
/// period exactly when the *n*-th last counted send lies less than the period back; so in any window of that length,
/// wherever it starts, there are never more than *n*.
struct SlidingWindow: Sendable {
    /// What a client reads from the `X-RateLimit-*` headers: the limit nearest to being reached.
    struct Reading: Sendable, Equatable {
        /// Sends allowed in the window.
        let limit: Int
        /// How many of them are left.
        let remaining: Int
        /// Nanoseconds until the oldest counted send leaves the window; 0 when there is none.
        let resetNanoseconds: Int64
    }

    /// A send that was over a limit.
    struct Refusal: Sendable, Equatable {
        /// The limit that takes longest to free itself.
        let limit: SandboxLimit
        /// Nanoseconds until that limit allows a send.
        let waitNanoseconds: Int64
    }

    private let capacity: Int
    /// The last moments in nanoseconds, a ring once it is full.
    private var moments: [Int64] = []
    /// Where the oldest stands once the ring is full.
    private var oldest = 0

    /// - Parameter capacity: the largest count of any limit that will be asked about.
    init(capacity: Int) {
        self.capacity = max(1, capacity)
    }

    /// Why a send at this moment is over a limit, or `nil` when it is within all of them. Counts nothing.
    func refusal(under limits: [SandboxLimit], at now: Int64) -> Refusal? {
        var refusal: Refusal?
        for limit in limits {
            guard let moment = moment(fromEnd: limit.count) else { continue }
            let wait = moment + limit.periodNanoseconds - now
            if wait > 0, wait > refusal?.waitNanoseconds ?? 0 {
                refusal = Refusal(limit: limit, waitNanoseconds: wait)
            }
        }
        return refusal
    }

    /// Counts a send.
    mutating func count(at now: Int64) {
        if moments.count < capacity {
            moments.append(now)
        } else {
            moments[oldest] = now
            oldest = oldest + 1 == capacity ? 0 : oldest + 1
        }
    }

    /// The state of the limit of which the smallest part is left.
    func reading(under limits: [SandboxLimit], at now: Int64) -> Reading {
        var tightest: Reading?
        for limit in limits {
            let used = min(limit.count, countOfMoments(after: now - limit.periodNanoseconds))
            let reset = used == 0 ? 0 : moment(fromEnd: used).map { $0 + limit.periodNanoseconds - now } ?? 0
            let reading = Reading(limit: limit.count, remaining: limit.count - used, resetNanoseconds: reset)
            if reading.remaining < tightest?.remaining ?? .max { tightest = reading }
        }
        return tightest ?? Reading(limit: 0, remaining: 0, resetNanoseconds: 0)
    }

    /// The moment of the `position`-th last send, counted from 1.
    private func moment(fromEnd position: Int) -> Int64? {
        guard position <= moments.count else { return nil }
        return moments[(oldest + moments.count - position) % moments.count]
    }

    /// How many moments lie after the start of a window; they are in order, so a binary search finds it.
    private func countOfMoments(after start: Int64) -> Int {
        var low = 0
        var high = moments.count
        while low < high {
            let middle = (low + high + 1) / 2
            if let moment = moment(fromEnd: middle), moment > start { low = middle } else { high = middle - 1 }
        }
        return low
    }
}
