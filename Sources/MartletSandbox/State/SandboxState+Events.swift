extension SandboxState {
    /// What webhooks tell of a message.
    func facts(of entry: LedgerEntry) -> MessageFacts {
        MessageFacts(
            keyID: keyID(ofMessage: entry.messageID), to: entry.to, text: entry.text, kind: entry.kind,
            body: entry.body, timestamp: entry.receivedAt.wallSeconds)
    }

    /// The events that a stage of a message gives rise to.
    func events(of entry: LedgerEntry, at stage: MessageStage) -> [SandboxEvent] {
        let facts = facts(of: entry)
        let isGroup = Recipient.isGroup(entry.to)
        switch stage {
        case .sent: return [.messageSent(facts), .messageStored(facts), .messageAcknowledged(facts, status: 2)]
        case .delivered:
            let acknowledged = SandboxEvent.messageAcknowledged(facts, status: 3)
            return isGroup ? [acknowledged, .groupReceipt(facts, isRead: false)] : [acknowledged]
        case .read:
            let acknowledged = SandboxEvent.messageAcknowledged(facts, status: 4)
            return isGroup ? [acknowledged, .groupReceipt(facts, isRead: true)] : [acknowledged]
        case .failed: return [.messageFailed(facts)]
        }
    }

    /// Addresses the events of a message to the session's receiver, and lets faults lose and repeat some.
    mutating func addressed(
        _ events: [SandboxEvent], of entry: LedgerEntry, session: SandboxSession, at now: SandboxInstant
    ) -> [AddressedEvent] {
        guard let receiver = receiver(of: session) else { return [] }
        var addressed: [AddressedEvent] = []
        for event in events where isWanted(event, by: session) {
            let address = AddressedEvent(
                event: event, url: receiver.url, secret: receiver.secret, apiKey: session.apiKey,
                lane: entry.messageID)
            let struck = faults.strike(
                key: session.apiKey, recipient: entry.to, at: now.nanoseconds, random: &random,
                where: {
                    ($0.kind == .webhookDrop || $0.kind == .webhookDuplicate)
                        && ($0.event == nil || $0.event == event.wasenderName)
                })
            if struck.first?.fault.kind == .webhookDrop {
                counts.webhooks.dropped += 1
                continue
            }
            addressed.append(address)
            if !struck.isEmpty { addressed.append(address) }
        }
        return addressed
    }

    /// Notes an event of a session itself.
    mutating func note(_ event: SandboxEvent, of session: SandboxSession) {
        guard let receiver = receiver(of: session), isWanted(event, by: session) else { return }
        work.events.append(
            AddressedEvent(
                event: event, url: receiver.url, secret: receiver.secret, apiKey: session.apiKey, lane: session.id))
    }

    private func isWanted(_ event: SandboxEvent, by session: SandboxSession) -> Bool {
        session.settings.webhookEvents.map { $0.contains(event.wasenderName) } ?? true
    }

    /// Where a session's webhooks go: to its own address, else to the one of the sandbox; `nil` when nowhere.
    private func receiver(of session: SandboxSession) -> (url: String, secret: String?)? {
        if let own = session.settings.webhookURL {
            return session.settings.webhookEnabled ? (own, session.webhookSecret) : nil
        }
        return configuration.webhooksTo.map { ($0.absoluteString, configuration.webhookSecret) }
    }
}
