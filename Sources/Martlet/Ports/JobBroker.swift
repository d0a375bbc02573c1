/// Carries word of due jobs from the processes that store them to the workers, over a message broker.
///
/// The store is the truth and the broker a wake-up: a notice allows nothing by itself, a worker claims the job in the store
/// before it sends. So a broker may lose, repeat and reorder notices; what it loses is found in the store, what it repeats is
/// dropped by the claim.
package protocol JobBroker: SeparateEngine {
    /// How far ahead of its due time a notice may be published; what is due later waits in the store until then.
    var delayMax: Duration { get }

    /// How long ``receive(limit:wait:)`` is best told to wait: longer where each question costs.
    var waitAdvised: Duration { get }

    /// Hands notices over. On return the broker has confirmed each of them, as durably as it keeps anything. A notice that is
    /// not due is delivered when it is, at most a second early.
    func publish(_ notices: [JobNotice], now: Timestamp) async throws(StoreError)

    /// Takes notices that are due: where several wait, high priority first. Waits at most so long for the first, and answers
    /// with none after that. A notice stays with the receiver until it is acknowledged, for a minute at least; when its
    /// process ends without that, or lets it lie for longer, the broker delivers it again.
    /// What is in the queues and cannot be read is put among the dead letters, and never delivered again.
    func receive(limit: Int, wait: Duration) async throws(StoreError) -> [DeliveredJob]

    /// Ends deliveries. One that is no longer the receiver's is passed over.
    func acknowledge(_ deliveries: [DeliveredJob]) async throws(StoreError)

    /// Puts word of messages that failed for good where operators see it with the broker's own tools. Bounded: the oldest go
    /// when there are too many. The store has the dead letters themselves.
    func publishDeadLetters(_ letters: [DeadLetterNotice]) async throws(StoreError)
}

extension JobBroker {
    package var waitAdvised: Duration { .seconds(1) }
}

/// Word that a job will be due.
package struct JobNotice: Sendable, Hashable {
    package var message: MessageID
    package var channel: ChannelID
    package var priority: Priority
    package var dueAt: Timestamp
    /// Whether the channel has many more that are due, of which no word comes: they are to be taken from the store.
    package var tellsOfBacklog: Bool

    package init(
        message: MessageID, channel: ChannelID, priority: Priority, dueAt: Timestamp, tellsOfBacklog: Bool = false
    ) {
        self.message = message
        self.channel = channel
        self.priority = priority
        self.dueAt = dueAt
        self.tellsOfBacklog = tellsOfBacklog
    }
}

/// A notice as it was received.
package struct DeliveredJob: Sendable, Hashable {
    package var notice: JobNotice
    /// What the broker knows the delivery by; its form is the engine's own.
    package var receipt: String

    package init(notice: JobNotice, receipt: String) {
        self.notice = notice
        self.receipt = receipt
    }
}

/// Word of a message that failed for good.
package struct DeadLetterNotice: Sendable, Hashable {
    package var message: MessageID
    package var channel: ChannelID
    /// The code of the reason, such as `attempts_exhausted`.
    package var reason: String
    package var at: Timestamp

    package init(message: MessageID, channel: ChannelID, reason: String, at: Timestamp) {
        self.message = message
        self.channel = channel
        self.reason = reason
        self.at = at
    }
}

extension JobNotice {
    /// As it travels: `{"message":"msg_…","channel":"chn_…","priority":"high","due_at":microseconds}`, and `"backlog":true`
    /// where it is so.
    package func encoded() -> [UInt8] {
        var object: JSONObject = [
            "message": .string(message.text), "channel": .string(channel.text), "priority": .string(priority.name),
            "due_at": .integer(dueAt.microseconds),
        ]
        if tellsOfBacklog { object["backlog"] = true }
        return JSONValue.object(object).encoded()
    }

    /// Reads what came from outside; nil when it is not a notice.
    package init?(encoded bytes: some Collection<UInt8>) {
        guard bytes.count <= 1024, let value = try? JSONParser.value(bytes), case .object(let object) = value,
            case .string(let message)? = object["message"], let message = MessageID(message),
            case .string(let channel)? = object["channel"], let channel = ChannelID(channel),
            case .string(let name)? = object["priority"], let priority = Priority(name: name),
            case .integer(let dueAt)? = object["due_at"]
        else { return nil }
        var tellsOfBacklog = false
        if case .bool(true)? = object["backlog"] { tellsOfBacklog = true }
        self.init(
            message: message, channel: channel, priority: priority, dueAt: Timestamp(microseconds: dueAt),
            tellsOfBacklog: tellsOfBacklog)
    }
}

extension DeadLetterNotice {
    /// As it travels: `{"message":"msg_…","channel":"chn_…","reason":"…","at":"2026-01-01T00:00:00.000Z"}`.
    package func encoded() -> [UInt8] {
        JSONValue.object([
            "message": .string(message.text), "channel": .string(channel.text), "reason": .string(reason),
            "at": .string(at.description),
        ]).encoded()
    }
}
