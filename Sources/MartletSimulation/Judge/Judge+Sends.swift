import Martlet

extension Judge {
    /// What a look-up or an echo can tell apart: messages of one channel that say the same to one recipient cannot be.
    private struct Words: Hashable {
        var channel: ChannelID
        var recipient: PhoneNumber
        var text: String
    }

    /// Whoever is said to be sent reached the provider; nobody reached it more often than allowed.
    func sends(_ cases: [Case]) {
        var groups: [[Case]] = []
        var byWords: [Words: Int] = [:]
        for one in cases {
            // A redacted message has no words any more, but what arrived has.
            let text = one.arrivals.last?.text ?? one.message.payload.visibleText ?? ""
            let words = Words(channel: one.message.channelID, recipient: one.message.recipient, text: text)
            if let index = byWords[words] {
                groups[index].append(one)
            } else {
                byWords[words] = groups.count
                groups.append([one])
            }
        }
        for group in groups {
            let names = group.map(\.message.id.short).joined(separator: ", ")
            let said = group.filter(\.isSaidSent).count
            let taken = group.reduce(0) { $0 + $1.acceptances.count }
            if said > taken { violation("\(names): \(said) said to be sent, \(taken) taken by the provider") }
            let allowed = group.reduce(0) { $0 + self.allowed($1) }
            if taken > allowed { violation("\(names): taken \(taken) times by the provider, \(allowed) allowed") }
        }
        for one in cases where one.message.onUnknown == .hold && one.acceptances.count > 1 + one.replays {
            violation("\(one.message.id.short) is to be held and was taken \(one.acceptances.count) times")
        }
    }

    /// How often the provider may have taken a message: once, once more for each replay, and once more for each attempt
    /// whose outcome nobody could tell, if the message allows it and says so.
    private func allowed(_ one: Case) -> Int {
        let base = 1 + one.replays
        guard one.message.onUnknown == .retry, one.message.duplicateRisk else { return base }
        return base + one.unknownAttempts
    }

    /// One key, one message.
    func keys(_ cases: [Case]) {
        for (key, ids) in world.clients.idsByKey.sorted(by: { $0.key < $1.key }) where ids.count > 1 {
            violation("key \(key.suffix(8)) was answered with \(ids.count) messages")
        }
        let keyed = Dictionary(grouping: cases.filter { $0.message.idempotencyKey != nil }) {
            $0.message.tenantID.text + ($0.message.idempotencyKey ?? "")
        }
        for (key, stored) in keyed.sorted(by: { $0.key < $1.key }) where stored.count > 1 {
            violation("key \(key.suffix(8)) has \(stored.count) messages")
        }
    }

    /// What a webhook said that was answered as stored shows in the message.
    func webhooks(_ cases: [Case]) {
        guard isQuiet else { return }
        struct Wire: Hashable {
            var channel: ChannelID
            var id: String
        }
        var bound: [Wire: Case] = [:]
        for one in cases {
            guard let id = one.message.messageID else { continue }
            let wire = Wire(channel: one.message.channelID, id: id)
            if let other = bound[wire] {
                violation("\(one.message.id.short) and \(other.message.id.short) go by the same id \(id)")
            }
            bound[wire] = one
        }
        for webhook in world.ledger.webhooks {
            guard let one = bound[Wire(channel: webhook.channel, id: webhook.wire)] else { continue }
            let status = one.message.status
            let isShown =
                switch webhook.level {
                case .pending: true
                case .server: one.message.acknowledgedAt != nil || status == .failed
                case .device: status == .delivered || status == .read || status == .failed
                case .read: status == .read || status == .failed
                case .failed: status == .failed || status == .read
                }
            if !isShown {
                violation("\(one.message.id.short) is \(status), and \(webhook.level) was stored for \(webhook.wire)")
            }
        }
    }

    /// Counters and what they count agree, and nothing is left over.
    func numbers(_ cases: [Case]) async throws {
        let now = world.time.now()
        for tenant in places.tenants {
            let own = cases.map(\.message).filter { $0.tenantID == tenant }
            let statistics = try await world.data.statistics(tenant: tenant, now: now)
            for status in MessageStatus.allCases {
                let counted = own.filter { $0.status == status }.count
                if statistics.counts[status] != counted {
                    violation("statistics say \(statistics.counts[status] ?? 0) \(status), there are \(counted)")
                }
            }
            let dead = own.filter { $0.deadLetteredAt != nil }.count
            if statistics.deadLetters != dead {
                violation("statistics say \(statistics.deadLetters) dead letters, there are \(dead)")
            }
        }
        guard isQuiet else { return }
        let depth = try await world.data.queueDepth(now: now)
        if depth.waiting.values.contains(where: { $0 != 0 }) { violation("the queue's depth is \(depth.waiting)") }
        let next = try await world.data.nextReconciliation()
        if next.decideAt != nil { violation("an unknown outcome is left undecided") }
        if try await world.data.depth().waiting != 0 { violation("webhooks are left in the inbox") }
        if try await !world.data.nextDue().isEmpty { violation("jobs are left in the queue") }
        // Where one node at a time has the store, what it knows of its channels is what a restart would find.
        guard world.scenario.ownsStore else { return }
        for record in try await world.data.channels() {
            let known = world.running?.directory.channel(record.channel.id)?.status
            if known != record.channel.status {
                violation(
                    "\(record.channel.id.short) is \(record.channel.status), in memory \(known.map { "\($0)" } ?? "-")")
            }
        }
    }
}
