import Martlet

extension Judge {
    /// No window of any limit holds more than it allows, wherever it begins.
    func limits() {
        let arrivals = world.ledger.arrivals
        let tenantOf = Dictionary(arrivals.map { ($0.channel, $0.tenant) }, uniquingKeysWith: { first, _ in first })
        for (scope, spans) in world.log.limits.sorted(by: { "\($0.key)" < "\($1.key)" }) {
            let times: [MonotonicInstant] =
                switch scope {
                case .channel(let id): arrivals.filter { $0.channel == id }.map(\.at)
                case .tenant(let id): arrivals.filter { tenantOf[$0.channel] == id }.map(\.at)
                case .provider: []
                }
            for window in Set(spans.flatMap { $0.limits.map(\.window) }) {
                check(times.sorted(), window: window, spans: spans, scope: scope)
            }
        }
    }

    /// A change of limits reaches requests that are on their way a little later. Where the node that made it is lost before it
    /// has told the others, they read it from the store.
    private var changeLag: Duration {
        .seconds(2) + (world.scenario.workers > 1 ? DirectoryRefresher.interval * 3 : .zero)
    }

    private func check(
        _ times: [MonotonicInstant], window: Duration, spans: [RunLog.LimitSpan], scope: ThrottleScope
    ) {
        var first = 0
        for (index, at) in times.enumerated() {
            while at - times[first] >= window { first += 1 }
            let count = index - first + 1
            // Where limits changed, the most generous that held at any time of the window counts.
            var allowed = 0
            for span in spans {
                let begins = span.from <= at
                let ends = span.to.map { $0 + changeLag < times[first] } ?? false
                guard begins, !ends else { continue }
                allowed = max(allowed, span.limits.filter { $0.window == window }.map(\.count).min() ?? .max)
            }
            if count > allowed {
                let name =
                    switch scope {
                    case .channel(let id): "channel \(id.short)"
                    case .tenant: "a tenant"
                    case .provider(let name): name
                    }
                violation("\(name) saw \(count) requests in \(window.seconds) s, \(allowed) allowed")
                return
            }
        }
    }

    /// Two messages to one recipient keep their distance, but for what the way to the provider adds or takes.
    func recipients() {
        struct Pair: Hashable {
            var channel: ChannelID
            var recipient: PhoneNumber
        }
        let intervals = world.intervals(places)
        var last: [Pair: Ledger.Arrival] = [:]
        for arrival in world.ledger.arrivals.sorted(by: { $0.calledAt < $1.calledAt }) {
            guard let interval = intervals[arrival.channel] else { continue }
            let pair = Pair(channel: arrival.channel, recipient: arrival.recipient)
            if let before = last[pair], arrival.calledAt - before.calledAt < interval - .milliseconds(350),
                !world.log.hasForwardJump(between: before.calledAt - .seconds(1), and: arrival.calledAt)
            {
                violation(
                    "\(before.message.short) and \(arrival.message.short) went to one recipient within \((arrival.calledAt - before.calledAt).seconds) s"
                )
            }
            last[pair] = arrival
        }
    }

    /// After a 429 a node leaves the channel alone for as long as it was told.
    func penalties() {
        struct Line: Hashable {
            var channel: ChannelID
            var incarnation: Int
        }
        var told: [Int: MonotonicInstant] = [:]
        for ending in world.ledger.returns {
            if case .throttled = ending.outcome { told[ending.call] = ending.at }
        }
        let arrivals = Dictionary(grouping: world.ledger.arrivals) {
            Line(channel: $0.channel, incarnation: $0.incarnation)
        }
        for arrival in world.ledger.arrivals {
            guard case .throttled(let wait?) = arrival.verdict, let told = told[arrival.call] else { continue }
            let line = Line(channel: arrival.channel, incarnation: arrival.incarnation)
            // What was claimed before the news came may still be on its way.
            let early = arrivals[line]?.first { $0.calledAt > told + .milliseconds(350) && $0.calledAt < told + wait }
            if let early {
                violation(
                    "\(early.message.short) was sent \((early.calledAt - told).seconds) s after a 429 that asked for \(wait.seconds) s"
                )
            }
        }
    }

    /// A message that failed for the moment is left alone for as long as the schedule has it.
    func schedule(_ cases: [Case]) {
        // A replay begins anew at once.
        let replayed = Set(cases.filter { $0.replays > 0 }.map(\.message.id))
        let wait = world.scenario.configuration.retry.delays.min() ?? .zero
        let calls = Dictionary(uniqueKeysWithValues: world.ledger.arrivals.map { ($0.call, $0) })
        var last: [MessageID: Ledger.Return] = [:]
        for ending in world.ledger.returns {
            defer { last[ending.message] = ending }
            guard let before = last[ending.message], before.incarnation == ending.incarnation,
                case .transient = before.outcome, let called = calls[ending.call]
            else { continue }
            // The wall clock, by which due times go, has microseconds.
            let gap = called.calledAt - before.at
            if gap < wait - .milliseconds(1), !world.log.hasForwardJump(between: before.at, and: called.calledAt),
                !replayed.contains(ending.message)
            {
                violation("\(ending.message.short) was tried again after \(gap.seconds) s")
            }
        }
    }

    /// In a calm run nobody waits for a neighbour: whoever is due leaves as fast as its own channel's pace allows, and after
    /// nothing that is less urgent.
    func lanes(_ cases: [Case]) {
        let slack: Duration = .milliseconds(1500)
        for one in cases {
            guard let arrival = one.arrivals.first else { continue }
            let message = one.message
            let due = max(message.createdAt, message.sendAt ?? message.createdAt)
            let delay = arrival.calledAtWall - due
            let ahead = world.ledger.arrivals.filter {
                $0.channel == message.channelID && $0.number < arrival.number && $0.calledAtWall >= due
            }
            let rate = world.paces(places)[message.channelID] ?? 1
            let allowed = slack + .milliseconds(Int64(1300 * Double(ahead.count + 1) / rate))
            if delay > allowed {
                violation(
                    "\(message.id.short) waited \(delay.seconds) s with \(ahead.count) ahead of it at \(rate)/s")
            }
            let late = ahead.first { $0.priority.rawValue > message.priority.rawValue && $0.calledAtWall > due + slack }
            if let late { violation("\(late.message.short) left before \(message.id.short), which is more urgent") }
        }
    }
}

extension World {
    /// The recipient intervals of channels that have one.
    func intervals(_ places: Places) -> [ChannelID: Duration] {
        var intervals: [ChannelID: Duration] = [:]
        for (tenant, plan) in scenario.tenants.enumerated() {
            for (number, channel) in plan.channels.enumerated() {
                intervals[places.channel(tenant, number)] = channel.recipientInterval
            }
        }
        return intervals
    }

    /// Messages a second that each channel may send in the long run.
    func paces(_ places: Places) -> [ChannelID: Double] {
        var paces: [ChannelID: Double] = [:]
        for (tenant, plan) in scenario.tenants.enumerated() {
            for (number, channel) in plan.channels.enumerated() {
                let rates = channel.limits.map { Double($0.count) * channel.headroom / $0.perSeconds }
                paces[places.channel(tenant, number)] = rates.min()
            }
        }
        return paces
    }
}
