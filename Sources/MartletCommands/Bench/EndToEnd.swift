import Martlet
import MartletClient

/// How long messages took from acceptance on, by the server's own log.
struct EndToEnd: Sendable {
    var toSent = Histogram()
    var toDelivered = Histogram()
    /// Messages looked at.
    var messages = 0
    /// Of those, how many have a final status.
    var final = 0

    /// The most messages that are looked at: the newest.
    static let messagesMax = 50_000

    /// Reads the log of what was accepted since that time.
    static func measure(_ client: MartletClient, since: String) async throws -> EndToEnd {
        var result = EndToEnd()
        var filter = MessageFilter()
        filter.since = since
        filter.limit = 200
        repeat {
            let page = try await client.messages(filter).value
            for message in page.data { result.add(message) }
            filter.cursor = page.nextCursor
        } while filter.cursor != nil && result.messages < messagesMax
        return result
    }

    private mutating func add(_ message: MessageRecord) {
        messages += 1
        if message.isFinal { final += 1 }
        guard let created = Timestamp(rfc3339: message.createdAt) else { return }
        if let sent = message.sentAt.flatMap(Timestamp.init(rfc3339:)) { toSent.record(sent - created) }
        if let delivered = message.deliveredAt.flatMap(Timestamp.init(rfc3339:)) {
            toDelivered.record(delivered - created)
        }
    }

    /// Waits until nothing waits on the tenant's channels, or the time is up. Answers how many still wait.
    static func settle(_ client: MartletClient, within limit: Duration) async throws -> Int {
        let clock = ContinuousClock()
        let end = clock.now + limit
        while true {
            let counts = try await client.statistics().value.counts
            let open = (counts["queued"] ?? 0) + (counts["sent"] ?? 0)
            guard open > 0, clock.now < end else { return open }
            try await Task.sleep(for: .milliseconds(250))
        }
    }
}
