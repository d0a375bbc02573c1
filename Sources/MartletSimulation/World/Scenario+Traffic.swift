import Martlet

extension Scenario {
    /// Draws what the clients send, and what else they ask for.
    mutating func drawTraffic(_ chance: Chance) {
        var number = 0
        let bursts = chance.integer(3...12)
        for _ in 0..<bursts {
            let tenant = chance.integer(0...tenants.count - 1)
            let at = chance.duration(.zero...duration * 0.8)
            let count = chance.pick([1, 1, 1, 3, 5, 12, 25])
            let channel = chance.integer(0...tenants[tenant].channels.count - 1)
            let priority = chance.pick(Priority.allCases)
            let isMixed = chance.happens(0.5)
            let drafts = (0..<count).map { _ in
                number += 1
                return draft(
                    chance, number: number,
                    channel: isMixed ? chance.integer(0...tenants[tenant].channels.count - 1) : channel,
                    priority: isMixed ? chance.pick(Priority.allCases) : priority)
            }
            actions.append(TimedAction(at: at, action: .send(tenant: tenant, drafts)))
        }
        guard kind == .troubled else { return }
        for _ in 0..<chance.integer(0...6) {
            actions.append(
                TimedAction(
                    at: chance.duration(.zero...duration), action: .repeatKey(otherContent: chance.happens(0.2))))
        }
        for _ in 0..<chance.integer(0...4) {
            actions.append(TimedAction(at: chance.duration(.zero...duration), action: .cancel))
        }
        for _ in 0..<chance.integer(0...6) {
            let at = chance.duration(duration * 0.3...duration)
            actions.append(TimedAction(at: at, action: .replay(corrected: chance.happens(0.4))))
        }
        for _ in 0..<chance.integer(0...1) {
            actions.append(TimedAction(at: chance.duration(duration * 0.3...duration), action: .discard))
        }
    }

    private func draft(_ chance: Chance, number: Int, channel: Int, priority: Priority) -> DraftPlan {
        // Few recipients, so that they meet; few equal texts, so that a message can mostly be told by its text.
        let recipient = "+1415555\(1000 + chance.integer(0...9))"
        let text = chance.happens(0.06) ? "twin \(chance.integer(0...1))" : "text \(number)"
        var draft = DraftPlan(
            channel: channel, recipient: recipient, text: text, priority: priority,
            onUnknown: chance.happens(0.35) ? .hold : .retry)
        guard kind == .troubled else { return draft }
        if chance.happens(0.2) { draft.expiresIn = chance.integer(2...90) }
        if chance.happens(0.15) { draft.sendIn = chance.duration(.seconds(1) ... .seconds(40)) }
        if let expiresIn = draft.expiresIn, let sendIn = draft.sendIn, .seconds(expiresIn) <= sendIn + .seconds(1) {
            draft.sendIn = nil
        }
        if chance.happens(0.5) {
            draft.key = "key-\(number)"
            draft.hasEvent = chance.happens(0.2)
        }
        draft.redact = chance.happens(0.1)
        return draft
    }
}
