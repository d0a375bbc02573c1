import Foundation

/// How WasenderApi shows sessions and their logs, and reads their settings.
enum WasenderSession {
    /// A session, its key and webhook secret included, as the provider shows it to the account's owner.
    static func json(_ session: SandboxSession, in state: SandboxState, at now: SandboxInstant) -> JSONValue {
        let settings = session.settings
        var data: [String: JSONValue] = [
            "id": .integer(session.id), "user_id": 1, "name": .string(settings.name),
            "phone_number": .string(settings.phoneNumber),
            "status": .string(state.visibleStatus(of: session, at: now).rawValue),
            "account_protection": .bool(settings.accountProtection), "log_messages": .bool(settings.logMessages),
            "webhook_url": .optional(settings.webhookURL), "webhook_enabled": .bool(settings.webhookEnabled),
            "webhook_events": settings.webhookEvents.map { .array($0.map { .string($0) }) } ?? .null,
            "proxy_url": .optional(settings.proxyURL), "api_key": .string(session.apiKey),
            "webhook_secret": .string(session.webhookSecret), "session_data": [:],
            "last_active_at": timestamp(session.lastActiveAt), "created_at": timestamp(session.createdAt),
            "updated_at": timestamp(session.updatedAt),
        ]
        for name in SandboxSession.switchNames { data[name] = .bool(settings.switches[name] ?? false) }
        return .object(data)
    }

    /// A moment as Laravel writes it, with microseconds.
    static func timestamp(_ instant: SandboxInstant) -> JSONValue {
        let seconds = Date(timeIntervalSince1970: Double(instant.wallSeconds)).formatted(.iso8601)
        let micros = String(1_000_000 + instant.wallMicroseconds % 1_000_000).dropFirst()
        return .string("\(seconds.dropLast()).\(micros)Z")
    }

    /// A row of the message log. Without message logging it has neither recipient nor content.
    static func logRow(of entry: LedgerEntry, session: SandboxSession) -> JSONValue {
        let isLogged = session.settings.logMessages
        var writer = JSONWriter()
        writer.value(WasenderContent.logged(entry))
        return [
            "id": .integer(entry.messageID), "whatsapp_session_id": .integer(session.id),
            "to": isLogged ? .string(entry.to) : .null,
            "content": isLogged ? .string(String(buffer: writer.buffer)) : .null,
            "status": .string(logStatus(of: entry)),
            "failed_reason": entry.status == 0 ? .string(WasenderContent.failureReason(to: entry.to)) : .null,
            "created_at": timestamp(entry.receivedAt), "updated_at": timestamp(entry.receivedAt),
        ]
    }

    /// The three states of a log row.
    static func logStatus(of entry: LedgerEntry) -> String {
        switch entry.status {
        case 0: "failed"
        case 1: "in_progress"
        default: "sent"
        }
    }

    /// One page, as Laravel's paginator writes it.
    static func paginated(_ rows: [JSONValue], page: Int, perPage: Int, total: Int) -> WireAnswer {
        let first = (page - 1) * perPage + 1
        return WasenderAnswer.success([
            "current_page": .integer(page), "data": .array(rows), "per_page": .integer(perPage),
            "total": .integer(total), "last_page": .integer(max(1, (total + perPage - 1) / perPage)),
            "from": rows.isEmpty ? .null : .integer(first),
            "to": rows.isEmpty ? .null : .integer(first + rows.count - 1),
        ])
    }

    /// A raw QR string, as WhatsApp's begin; nobody can scan it.
    static func qrCode(in state: inout SandboxState) -> String {
        "2@" + state.hexadecimal(words: 4)
    }

    /// A token to link with by passkey, for five minutes.
    static func passkey(in state: inout SandboxState, at now: SandboxInstant) -> JSONValue {
        let end = Date(timeIntervalSince1970: Double(now.wallSeconds + 300)).formatted(.iso8601)
        return ["token": .string(state.hexadecimal(words: 4)), "expires_at": .string(end)]
    }

    /// Reads the settings of a session from a request body.
    struct SettingsReading {
        /// The settings, when nothing is wrong.
        private(set) var settings: SandboxSession.Settings?
        /// What is wrong, by field.
        private(set) var errors: [String: [String]] = [:]

        /// - Parameters:
        ///   - fields: the body's members; `null` counts as left out, but for what may be emptied.
        ///   - present: the settings to change; with `nil`, a session is made, and the required fields must be there.
        init(_ fields: [String: JSONValue], onto present: SandboxSession.Settings?) {
            var settings =
                present
                ?? SandboxSession.Settings(
                    name: "", phoneNumber: "", accountProtection: true, logMessages: true, webhookEnabled: false)
            read("name", from: fields, into: &settings.name, isRequired: present == nil)
            read("phone_number", from: fields, into: &settings.phoneNumber, isRequired: present == nil)
            read("account_protection", from: fields, into: &settings.accountProtection, isRequired: present == nil)
            read("log_messages", from: fields, into: &settings.logMessages, isRequired: present == nil)
            readWebhook(from: fields, into: &settings)
            for name in SandboxSession.switchNames {
                var isOn = settings.switches[name] ?? false
                read(name, from: fields, into: &isOn, isRequired: false)
                settings.switches[name] = isOn
            }
            readOptional("proxy_url", from: fields, into: &settings.proxyURL)
            if errors.isEmpty { self.settings = settings }
        }

        private mutating func readWebhook(
            from fields: [String: JSONValue], into settings: inout SandboxSession.Settings
        ) {
            let before = settings.webhookURL
            readOptional("webhook_url", from: fields, into: &settings.webhookURL)
            if let url = settings.webhookURL, !WasenderSend.isURL(url) {
                errors["webhook_url"] = ["The webhook url field must be a valid URL."]
            }
            // Who names an address and says nothing else wants it used.
            if settings.webhookURL != before { settings.webhookEnabled = settings.webhookURL != nil }
            read("webhook_enabled", from: fields, into: &settings.webhookEnabled, isRequired: false)
            switch fields["webhook_events"] {
            case nil: break
            case .null: settings.webhookEvents = nil
            case .array(let events) where events.allSatisfy { $0.string != nil }:
                settings.webhookEvents = events.compactMap(\.string)
            default: errors["webhook_events"] = ["The webhook events field must be a list of names."]
            }
        }

        private mutating func read(
            _ name: String, from fields: [String: JSONValue], into text: inout String, isRequired: Bool
        ) {
            switch fields[name] {
            case .string(let value) where !value.isEmpty: text = value
            case nil where !isRequired: break
            case nil, .null, .string: errors[name] = ["The \(name) field is required."]
            default: errors[name] = ["The \(name) field must be a string."]
            }
        }

        private mutating func read(
            _ name: String, from fields: [String: JSONValue], into flag: inout Bool, isRequired: Bool
        ) {
            switch fields[name] {
            case .bool(let value): flag = value
            // Laravel's `boolean` takes these for true and false, too.
            case .integer(1), .string("1"): flag = true
            case .integer(0), .string("0"): flag = false
            case nil where !isRequired, .null where !isRequired: break
            case nil, .null: errors[name] = ["The \(name) field is required."]
            default: errors[name] = ["The \(name) field must be true or false."]
            }
        }

        private mutating func readOptional(
            _ name: String, from fields: [String: JSONValue], into text: inout String?
        ) {
            switch fields[name] {
            case nil: break
            case .null: text = nil
            case .string(let value): text = value.isEmpty ? nil : value
            default: errors[name] = ["The \(name) field must be a string."]
            }
        }
    }
}

extension WasenderContent {
    /// What the message log says of a message's content: the body without the recipient.
    static func logged(_ entry: LedgerEntry) -> JSONValue {
        var fields = JSONValue.parseObject(entry.body) ?? [:]
        fields["to"] = nil
        if let text = entry.text { fields["text"] = .string(text) }
        return .object(fields)
    }
}
