import Martlet

extension Scenario {
    /// What the register of the throttle is like that workers share.
    struct RegisterPlan: Sendable {
        var latency: Duration = .zero
        /// How often a change is refused.
        var fails = 0.0
        /// How often one is kept and its caller told that nobody knows.
        var doubt = 0.0
        /// How often one is computed anew.
        var repeats = 0.0
        /// Whether it is new when the run begins.
        var isNew = false
    }

    enum RegisterFault: String, Sendable, CaseIterable {
        case away = "away"
        case slow = "slow"
        case forgets = "forgets all"
        case setsBack = "its clock is set back"
    }

    /// Draws how many workers there are at a time, and what becomes of what they share. From a stream of its own: whatever else
    /// a seed has stays as it is.
    mutating func drawWorkers(seed: UInt64) {
        let chance = Chance(seed: seed, for: "workers")
        // Their clocks agree, and none may take over what the others have in hand.
        guard !ownsStore, chance.happens(0.7) else { return }
        workers = chance.pick([1, 2, 2, 3])
        var plan = RegisterPlan(latency: .milliseconds(chance.pick([0, 2, 10])))
        defer { register = plan }
        guard kind == .troubled else { return }
        plan.isNew = chance.happens(0.3)
        if chance.happens(0.5) { plan.fails = chance.unitInterval() * 0.1 }
        if chance.happens(0.5) { plan.doubt = chance.unitInterval() * 0.1 }
        if chance.happens(0.5) { plan.repeats = chance.unitInterval() * 0.3 }
        guard chance.happens(0.7) else { return }
        let sends = actions.compactMap { timed in if case .send = timed.action { timed.at } else { Duration?.none } }
        for _ in 0..<chance.integer(1...5) {
            // It does most harm while something is sent.
            let at = chance.pick(sends) + chance.duration(.milliseconds(100) ... .seconds(4))
            actions.append(
                TimedAction(
                    at: at,
                    action: .registerFault(
                        chance.pick([.away, .slow, .forgets, .forgets, .forgets, .setsBack]),
                        chance.duration(.milliseconds(500) ... .seconds(15)))))
        }
    }
}
