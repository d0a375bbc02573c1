import Martlet

/// Reads the provider's webhooks, in all the forms its documentation, its samples and its client libraries show.
struct WebhookReader {
    /// Entries in one webhook, at most.
    static let entriesMax = 5000
    static let messageIDCharactersMax = 255
    private static let eventNameCharactersMax = 64

    let channel: ChannelID
    let receivedAt: Timestamp
    let words: ProviderWords

    /// - throws: when the body is no webhook, or when nothing in it that should be readable is.
    func events(in body: [UInt8]) throws(WebhookError) -> [ProviderEvent] {
        let document: JSONValue
        do {
            document = try JSONParser.value(body)
        } catch {
            throw WebhookError(error.description)
        }
        guard let envelope = document.objectValue else { throw WebhookError("is \(document.kindName), not an object") }
        guard let event = envelope["event"]?.stringValue, !event.isEmpty else {
            throw WebhookError("has no event")
        }
        let data = envelope["data"]
        let at = timestamp(envelope["timestamp"]) ?? receivedAt
        switch event.lowercased() {
        case "messages.update":
            return try eachEntry(of: data, event) { update($0, at: at) }
        case "message-receipt.update":
            return try eachEntry(of: data, event) { receipt($0, at: at) }
        case "messages.upsert":
            return try eachEntry(of: data, event) { upsert($0, at: at) }
        case "message.sent":
            if let failure = failureOfSend(data) { return [failure] }
            return try eachEntry(of: data, event) { echo($0, at: at) }
        case "session.status":
            guard let status = data?["status"]?.stringValue, !status.isEmpty else {
                throw WebhookError("session.status has no status")
            }
            return [
                .session(
                    isUp: SessionStatus.isUp(status),
                    detail: words(status.lowercased(), max: Self.eventNameCharactersMax))
            ]
        default:
            return [.ignored(words(event, max: Self.eventNameCharactersMax))]
        }
    }

    /// Whether a text can be the id of a message.
    static func isMessageID(_ text: String) -> Bool {
        (1...messageIDCharactersMax).contains(text.utf8.count) && text.utf8.allSatisfy { (0x21...0x7E).contains($0) }
    }

    // MARK: - Entries

    private enum Reading {
        case event(ProviderEvent)
        /// Not as it should be, and why.
        case faulty(String)
    }

    /// Reads every entry. A faulty one among good ones is passed over; where all are faulty the webhook is.
    private func eachEntry(
        of data: JSONValue?, _ event: String, _ read: (JSONValue) -> Reading
    ) throws(WebhookError) -> [ProviderEvent] {
        let entries = Self.entries(of: data)
        guard entries.count <= Self.entriesMax else {
            throw WebhookError("\(event.lowercased()) has more than \(Self.entriesMax) entries")
        }
        guard !entries.isEmpty else { throw WebhookError("\(event.lowercased()) has no data") }
        var events: [ProviderEvent] = []
        var faults: [String] = []
        for entry in entries {
            switch read(entry) {
            case .event(let event): events.append(event)
            case .faulty(let reason): faults.append(reason)
            }
        }
        if events.isEmpty { throw WebhookError("\(event.lowercased()) \(faults[0])") }
        return events + faults.map { .ignored("\(event.lowercased()) \($0)") }
    }

    /// The data is one entry or an array of them, which may stand under `messages` or, for receipts, under `message`.
    private static func entries(of data: JSONValue?) -> [JSONValue] {
        switch data {
        case .array(let entries)?: return entries
        case .object(let object)?:
            if object["key"] == nil {
                switch object["messages"] ?? object["message"] {
                case .array(let entries)?: return entries
                case .object(let entry)?: return [.object(entry)]
                default: break
                }
            }
            return object.isEmpty ? [] : [.object(object)]
        default: return []
        }
    }

    private static func messageID(_ entry: JSONValue) -> String? {
        guard let id = entry["key"]?["id"]?.stringValue, isMessageID(id) else { return nil }
        return id
    }

    /// An acknowledgement. The documentation's sample says `fromMe: false` of a message the session sent, so that is
    /// not asked.
    private func update(_ entry: JSONValue, at: Timestamp) -> Reading {
        guard let status = entry["update"]?["status"] ?? entry["status"] else {
            return .event(.ignored("messages.update without a status"))
        }
        guard let id = Self.messageID(entry) else { return .faulty("has a status without a key.id") }
        guard let level = AcknowledgementCode.level(status) else {
            return .event(.ignored("messages.update with an unknown status"))
        }
        return .event(.acknowledgement(Acknowledgement(channel: channel, messageID: id, level: level, at: at)))
    }

    /// A receipt in a group, of one member.
    private func receipt(_ entry: JSONValue, at: Timestamp) -> Reading {
        guard let receipt = entry["receipt"], receipt.objectValue != nil else { return .faulty("has no receipt") }
        guard let id = Self.messageID(entry) else { return .faulty("has a receipt without a key.id") }
        if entry["key"]?["fromMe"]?.boolValue == false {
            return .event(.ignored("message-receipt.update of a received message"))
        }
        let level: AcknowledgementLevel
        let moment: JSONValue?
        if let read = receipt["readTimestamp"] ?? receipt["playedTimestamp"], !read.isNull {
            (level, moment) = (.read, read)
        } else if let delivered = receipt["receiptTimestamp"], !delivered.isNull {
            (level, moment) = (.device, delivered)
        } else if let named = AcknowledgementCode.level(receipt["status"]) {
            (level, moment) = (named, receipt["t"])
        } else {
            return .event(.ignored("message-receipt.update without a time"))
        }
        return .event(
            .acknowledgement(
                Acknowledgement(channel: channel, messageID: id, level: level, at: timestamp(moment) ?? at)))
    }

    /// A message in either direction. What the session sent tells of a send whose answer may have been lost.
    private func upsert(_ entry: JSONValue, at: Timestamp) -> Reading {
        guard entry["key"]?.objectValue != nil else { return .faulty("has no key") }
        guard entry["key"]?["fromMe"]?.boolValue == true else { return .event(.ignored("messages.upsert")) }
        return echo(entry, at: at)
    }

    /// The provider repeats a message that it has sent. That comes before WhatsApp's server acknowledges it, which is
    /// an update of its own; so it is taken for no more than the provider having it, unless the entry itself says more.
    /// A zero is not believed here: it is also what an absent status looks like where these messages come from.
    private func echo(_ entry: JSONValue, at: Timestamp) -> Reading {
        guard let id = Self.messageID(entry) else { return .faulty("has no key.id") }
        let stated = AcknowledgementCode.level(entry["status"])
        var acknowledgement = Acknowledgement(
            channel: channel, messageID: id, level: stated == .failed ? .pending : stated ?? .pending,
            at: timestamp(entry["messageTimestamp"]) ?? at)
        if let recipient = Self.recipient(entry["key"]), let text = MessageContent.text(in: entry["message"]) {
            acknowledgement.echo = .init(recipient: recipient, text: text)
        }
        return .event(.acknowledgement(acknowledgement))
    }

    /// A send that failed after it was taken comes without any id, so that it proves nothing about any one message;
    /// asking for the messages does.
    private func failureOfSend(_ data: JSONValue?) -> ProviderEvent? {
        guard data?["success"]?.boolValue == false, data?["key"]?["id"] == nil else { return nil }
        let reason = (data?["error"] ?? data?["message"])?.stringValue ?? "no reason given"
        return .ignored("message.sent failed: \(Self.withoutNumbers(words(reason, max: 200)))")
    }

    /// Phone numbers do not belong into what may be logged.
    private static func withoutNumbers(_ text: String) -> String {
        text.replacing(/[0-9]{6,}/, with: "…")
    }

    /// Whom a message went to; nil when the address is no phone number (a group, a channel, or one of WhatsApp's own
    /// ids, which look like numbers and are none).
    private static func recipient(_ key: JSONValue?) -> PhoneNumber? {
        guard let address = key?["remoteJid"]?.stringValue, address.utf8.count <= 64 else { return nil }
        let parts = address.split(separator: "@", omittingEmptySubsequences: false)
        guard parts.count == 1 || parts.count == 2 && parts[1] == "s.whatsapp.net" else { return nil }
        // A device of the recipient is named after a colon.
        let number = parts[0].prefix { $0 != ":" }
        return PhoneNumber(number.hasPrefix("+") ? String(number) : "+\(number)")
    }

    // MARK: - Time

    /// Nil when there is no time, or one that cannot be: from the future, or more than a month ago.
    private func timestamp(_ value: JSONValue?) -> Timestamp? {
        guard let number = Self.number(value), number > 0, number < 1e14 else { return nil }
        // Seconds in some samples, milliseconds in others.
        let milliseconds = number >= 1e11 ? number : number * 1000
        let timestamp = Timestamp(milliseconds: Int64(milliseconds))
        return timestamp > receivedAt || receivedAt - timestamp > .seconds(31 * 86400) ? nil : timestamp
    }

    /// A number, a numeric string, or a 64-bit number in two halves.
    private static func number(_ value: JSONValue?) -> Double? {
        if let low = value?["low"]?.looseInteger {
            let high = value?["high"]?.looseInteger ?? 0
            guard (0..<1 << 20).contains(high) else { return nil }
            return Double(high << 32 | Int64(UInt32(truncatingIfNeeded: low)))
        }
        return value?.looseNumber
    }
}
