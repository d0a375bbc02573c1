/// One scope's limiter as all workers share it: the limiter, and who has how many requests in flight.
///
/// A worker says with each change how many it has in flight; what that is less than before has been answered meanwhile. So
/// a report that was lost, or came twice, is made good by the next. A worker that is silent for longer than a request can
/// take is gone: what it had in flight counts as answered at the end of that time.
package struct SharedLimiter: Sendable {
    private struct Holder: Sendable {
        var name: String
        var inFlight: Int
        /// By then all of it has been answered, or never will be.
        var until: MonotonicInstant
    }

    private static let version: Int64 = 1

    private var limiter: RateLimiter
    private var headroom: Double
    private var holders: [Holder] = []
    /// The latest moment that was seen.
    private var seenAt: MonotonicInstant
    /// Until its windows are filled with what was sent before, which is not before then.
    private var restorableAt: MonotonicInstant
    /// Whether its windows hold everything that was sent.
    package private(set) var isRestored: Bool

    /// - parameter restorableAt: nothing is granted, nor may the windows be filled, before then.
    package init(limits: [RateLimit], headroom: Double, restorableAt: MonotonicInstant, now: MonotonicInstant) {
        limiter = RateLimiter(limits: limits, headroom: headroom, now: now)
        self.headroom = headroom
        seenAt = now
        self.restorableAt = restorableAt
        isRestored = limits.isEmpty
    }

    /// Follows the clock. One that was set back takes everything with it: no time has passed then.
    package mutating func advance(to now: MonotonicInstant) {
        if now < seenAt {
            let difference = now - seenAt
            limiter.shift(by: difference)
            restorableAt = restorableAt + difference
            for index in holders.indices { holders[index].until = holders[index].until + difference }
        }
        seenAt = now
        for holder in holders where holder.until <= now { limiter.answered(holder.inFlight, now: holder.until) }
        holders.removeAll { $0.until <= now }
    }

    /// Takes over what a worker says of itself.
    /// - Parameters:
    ///   - inFlight: requests it was granted that are neither answered nor given back.
    ///   - returned: of those that are no longer in flight, how many were never made.
    ///   - requestMax: the longest a request may take from its grant to its answer.
    package mutating func hear(
        _ name: String, inFlight: Int, returned: Int, requestMax: Duration, now: MonotonicInstant
    ) {
        let before = holders.first { $0.name == name }?.inFlight ?? 0
        let ended = before - inFlight
        if ended > 0 {
            let unmade = min(ended, returned)
            limiter.giveBack(unmade)
            limiter.answered(ended - unmade, now: now)
        } else {
            limiter.adopt(-ended)
        }
        hold(name, inFlight: inFlight, until: now + requestMax)
    }

    private mutating func hold(_ name: String, inFlight: Int, until: MonotonicInstant) {
        holders.removeAll { $0.name == name }
        if inFlight > 0 { holders.append(Holder(name: name, inFlight: inFlight, until: until)) }
    }

    /// Takes over limits that differ. Windows that look further back than what is remembered are to be restored first.
    package mutating func configure(limits: [RateLimit], headroom: Double, now: MonotonicInstant) {
        guard limits != limiter.limits || headroom != self.headroom else { return }
        if !limiter.remembers(enoughFor: limits) { isRestored = false }
        limiter.reconfigure(limits: limits, headroom: headroom, now: now)
        self.headroom = headroom
        if limits.isEmpty { isRestored = true }
    }

    /// Fills the windows, unless that is done. False when it is too early: what others are just sending is not on record yet.
    package mutating func restore(ages: [Duration], now: MonotonicInstant) -> Bool {
        guard !isRestored else { return true }
        guard now >= restorableAt else { return false }
        limiter.restore(ages: ages, now: now)
        isRestored = true
        return true
    }

    /// How many of `count` may go now. Grants nothing by itself: see ``take(_:by:requestMax:now:)``.
    package mutating func available(_ count: Int, now: MonotonicInstant) -> ThrottleGrant {
        guard isRestored else {
            return ThrottleGrant(count: 0, retryAfter: max(.milliseconds(100), restorableAt - now))
        }
        var grant = limiter.available(count, now: now)
        grant.retryAfter = grant.retryAfter.map { max($0, limiter.gatherInterval) }
        return grant
    }

    package mutating func take(_ count: Int, by name: String, requestMax: Duration, now: MonotonicInstant) {
        limiter.take(count)
        let before = holders.first { $0.name == name }?.inFlight ?? 0
        hold(name, inFlight: before + count, until: now + requestMax)
    }

    package mutating func penalize(retryAfter: Duration?, now: MonotonicInstant) -> Duration {
        limiter.penalize(retryAfter: retryAfter, now: now)
    }

    package mutating func ramp(now: MonotonicInstant) { limiter.ramp(now: now) }
}

extension SharedLimiter {
    /// As a register keeps it.
    package func encoded() -> [UInt8] {
        var writer = StateWriter()
        writer.write(Self.version)
        writer.write(headroom)
        writer.write(seenAt)
        writer.write(restorableAt)
        writer.write(isRestored)
        writer.write(holders.count)
        for holder in holders {
            writer.write(holder.name)
            writer.write(holder.inFlight)
            writer.write(holder.until)
        }
        limiter.write(to: &writer, now: seenAt)
        writer.seal()
        return writer.bytes
    }

    /// Reads a kept state; nil when it is none of this version's, and so must be formed anew.
    package init?(encoded bytes: [UInt8]) {
        var reader: StateReader
        do throws(StateReader.Malformed) {
            reader = try StateReader(sealed: bytes)
            guard try reader.int64() == Self.version else { return nil }
            headroom = try reader.double()
            seenAt = try reader.instant()
            restorableAt = try reader.instant()
            isRestored = try reader.bool()
            for _ in 0..<(try reader.count(ofBytes: 24)) {
                holders.append(
                    Holder(name: try reader.text(), inFlight: try reader.amount(), until: try reader.instant()))
            }
            limiter = try RateLimiter(&reader)
        } catch {
            return nil
        }
        guard reader.isAtEnd else { return nil }
    }
}
