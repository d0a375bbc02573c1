import MartletClient

/// What the server shows, as text for people.
enum Describe {
    /// Names and values below each other; a value that is missing or empty is left out.
    static func fields(_ fields: [(String, String?)]) -> String {
        let present = fields.compactMap { name, value in value.flatMap { $0.isEmpty ? nil : (name, $0) } }
        let width = present.map(\.0.count).max() ?? 0
        return present.map { name, value in
            name + String(repeating: " ", count: width - name.count) + "  " + TextTable.printable(value) + "\n"
        }.joined()
    }

    static func limits(_ limits: [LimitRecord]?) -> String? {
        limits.map { $0.map(LimitArgument.text).joined(separator: ", ") }
    }

    static func channel(_ channel: ChannelRecord) -> String {
        fields([
            ("id", channel.id), ("name", channel.name), ("provider", channel.provider), ("base url", channel.baseURL),
            ("limits", limits(channel.limits)), ("headroom", channel.headroom.map { "\($0)" }),
            ("status", channel.status), ("reason", channel.statusReason), ("since", channel.statusSince),
            ("webhook url", channel.webhookURL),
        ])
    }

    static func message(_ message: MessageRecord) -> String {
        fields([
            ("id", message.id), ("channel", message.channel), ("to", message.to), ("type", message.type),
            ("status", message.status), ("condition", message.condition), ("error", message.errorReason),
            ("dead-lettered", message.isDeadLettered ? "yes" : nil), ("attempts", "\(message.attempts)"),
            ("next attempt", message.nextAttemptAt), ("message id", message.messageID),
            ("submission id", message.submissionID), ("created", message.createdAt), ("sent", message.sentAt),
            ("delivered", message.deliveredAt), ("read", message.readAt), ("failed", message.failedAt),
        ])
    }

    static func messages(_ messages: [MessageRecord]) -> String {
        var table = TextTable("ID", "CREATED", "TO", "TYPE", "STATUS", "ATTEMPTS", "CONDITION OR ERROR")
        for message in messages {
            table.add(
                message.id, message.createdAt, message.to, message.type, message.status, "\(message.attempts)",
                message.condition ?? message.errorReason)
        }
        return table.text
    }

    static func timeline(_ entries: [TimelineRecord]) -> String {
        var table = TextTable("AT", "WHAT", "ATTEMPT", "OUTCOME", "HTTP", "MS", "DETAIL")
        for entry in entries {
            table.add(
                entry.at, entry.type, entry.attempt.map(String.init), entry.outcome, entry.httpStatus.map(String.init),
                entry.durationMilliseconds.map(String.init), entry.error ?? entry.detail)
        }
        return table.text
    }

    /// One entry of a timeline in one line, for those who watch.
    static func line(_ entry: TimelineRecord) -> String {
        var parts = [entry.at, entry.type]
        if let attempt = entry.attempt { parts.append("#\(attempt)") }
        if let outcome = entry.outcome { parts.append(outcome) }
        if let status = entry.httpStatus { parts.append("HTTP \(status)") }
        if let milliseconds = entry.durationMilliseconds { parts.append("\(milliseconds) ms") }
        if let text = entry.error ?? entry.detail { parts.append(text) }
        return TextTable.printable(parts.joined(separator: "  "))
    }

    /// How far a bulk replay is, in one line.
    static func progress(_ replay: ReplayRecord) -> String {
        var line = "\(replay.status): \(replay.replayed) of \(replay.matched) replayed"
        if replay.skipped > 0 { line += ", \(replay.skipped) skipped" }
        if replay.failed > 0 { line += ", \(replay.failed) failed" }
        if let failure = replay.lastFailure { line += " (last: \(failure))" }
        return TextTable.printable(line)
    }

    /// Where the next page of a list starts, or nothing.
    static func more(_ cursor: String?) -> String {
        cursor.map { "more with --cursor \(TextTable.printable($0))\n" } ?? ""
    }
}
