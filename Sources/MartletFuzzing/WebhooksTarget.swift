import Martlet
import WasenderProvider

/// A provider's report: header lines, an empty line, the body.
enum WebhooksTarget {
    private static let now = MessagesTarget.now

    static func check(_ bytes: [UInt8]) throws(BrokenPromise) {
        let request = WireText(bytes)
        let body = request.body
        let isAuthentic = Wasender.provider.isAuthentic(headers: request.headers, body: body, channel: Wasender.channel)
        try promise(
            isAuthentic == (request.headers["x-webhook-signature"] == Wasender.webhookSecret),
            "the proof of origin is judged wrongly")
        let kept = try redaction(body)
        try reading(kept)
        try reading(body)
    }

    /// What is kept of a body has no credentials, and changes nothing else.
    private static func redaction(_ body: [UInt8]) throws(BrokenPromise) -> [UInt8] {
        let kept = Wasender.provider.redacted(webhook: body, channel: Wasender.channel)
        let text = String(decoding: kept, as: UTF8.self)
        try promise(!Wasender.credentials.contains { text.holds($0) }, "a credential is kept")
        guard let sent = try? JSONParser.value(body) else { return kept }
        let value: JSONValue
        do { value = try JSONParser.value(kept) } catch {
            // Two names that both hold a credential become one name.
            try promise(error.reason == .duplicateName, "what is kept is no JSON: \(error)")
            return kept
        }
        try promise(!holdsCredential(value), "a credential is kept")
        if !holdsCredential(sent) { try promise(kept == body, "more than credentials is blanked") }
        return kept
    }

    /// Whether any string anywhere holds a credential, however it was escaped.
    private static func holdsCredential(_ value: JSONValue) -> Bool {
        func isOne(_ text: String) -> Bool { Wasender.credentials.contains { text.holds($0) } }
        switch value {
        case .string(let text): return isOne(text)
        case .array(let elements): return elements.contains(where: holdsCredential)
        case .object(let object):
            return object.members.contains { member in
                isOne(member.name) || holdsCredential(member.value)
                    || member.name.lowercased() == "sessionid" && member.value != "[redacted]"
            }
        default: return false
        }
    }

    private static func reading(_ body: [UInt8]) throws(BrokenPromise) {
        let events: [ProviderEvent]
        do {
            events = try Wasender.provider.events(webhook: body, receivedAt: now, channel: Wasender.channel)
        } catch {
            try promise(!error.reason.isEmpty, "a webhook is refused without a reason")
            return
        }
        try promise(!events.isEmpty, "a webhook was read and says nothing")
        for event in events {
            switch event {
            case .acknowledgement(let acknowledgement): try hold(acknowledgement)
            case .session(_, let detail): try Wasender.areFit(detail, max: 64)
            case .ignored(let words): try Wasender.areFit(words, max: 300)
            }
        }
    }

    private static func hold(_ acknowledgement: Acknowledgement) throws(BrokenPromise) {
        let id = acknowledgement.messageID
        try promise(
            (1...255).contains(id.utf8.count) && id.utf8.allSatisfy { (0x21...0x7E).contains($0) },
            "an id that cannot be one")
        try promise(
            acknowledgement.at <= now && now - acknowledgement.at <= .seconds(31 * 86_400), "a time that cannot be")
        if let echo = acknowledgement.echo {
            try promise(PhoneNumber(echo.recipient.text) == echo.recipient, "an echo to what is no number")
        }
    }
}
