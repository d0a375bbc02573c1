import Martlet

/// Writes messages in the one shape they have everywhere: every member present, null where there is nothing.
///
/// Straight into bytes, without a document in between: this runs for every send.
struct MessageRendering: Sendable {
    let directory: Directory
    let time: any TimeSource

    /// The message as JSON.
    func bytes(_ message: Message) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(1024)
        write(message, to: &output)
        return output
    }

    /// Appends the message as JSON.
    func write(_ message: Message, to output: inout [UInt8]) {
        var writer = ObjectWriter()
        writer.begin(&output)
        writeMembers(of: message, with: &writer, to: &output)
        writer.end(&output)
    }

    /// A dead letter is the message, when it was given up, and everything that was tried.
    func write(deadLetter message: Message, timeline: [TimelineEvent], to output: inout [UInt8]) {
        var writer = ObjectWriter()
        writer.begin(&output)
        writeMembers(of: message, with: &writer, to: &output)
        writer.member("dead_lettered_at", message.deadLetteredAt, to: &output)
        writer.member(
            "attempt_history",
            .array(timeline.filter { $0.kind == .attempt }.map(TimelineRendering.value)), to: &output)
        writer.end(&output)
    }

    private func writeMembers(of message: Message, with writer: inout ObjectWriter, to output: inout [UInt8]) {
        let channel = directory.channel(message.channelID)
        let now = time.now()
        let condition = message.condition(channel: channel, now: now)
        writer.member("id", message.id.text, to: &output)
        // A channel that was deleted has no name left; its id still tells its messages apart.
        writer.member("channel", channel?.name ?? message.channelID.text, to: &output)
        writer.member("to", message.recipient.text, to: &output)
        writer.member("type", message.payload.kind.rawValue, to: &output)
        writer.member("payload", message.payload.content, to: &output)
        writer.member("status", message.status.rawValue, to: &output)
        writer.member("condition", condition?.condition.rawValue, to: &output)
        writer.member("condition_since", condition?.since, to: &output)
        writer.member("message_id", message.messageID, to: &output)
        writer.member("submission_id", message.submissionID, to: &output)
        writer.member("attempts", .integer(Int64(message.attempts)), to: &output)
        writer.member("next_attempt_at", Self.nextAttempt(of: message, now: now), to: &output)
        writer.member("error_reason", message.errorReason, to: &output)
        writer.member("dead_lettered", .bool(message.deadLetteredAt != nil), to: &output)
        writer.member("duplicate_risk", .bool(message.duplicateRisk), to: &output)
        writer.member("priority", message.priority.name, to: &output)
        writer.member("send_at", message.sendAt, to: &output)
        writer.member("expires_at", message.expiresAt, to: &output)
        writer.member("idempotency_key", message.idempotencyKey, to: &output)
        writer.member("event", .optional(message.event), to: &output)
        writer.member("metadata", message.metadata, to: &output)
        writer.member("created_at", message.createdAt, to: &output)
        writer.member("updated_at", message.updatedAt, to: &output)
        writer.member("sent_at", message.sentAt, to: &output)
        writer.member("delivered_at", message.deliveredAt, to: &output)
        writer.member("read_at", message.readAt, to: &output)
        writer.member("failed_at", message.failedAt, to: &output)
    }

    /// When the next attempt is planned. A first attempt that is due at once is not worth a plan.
    private static func nextAttempt(of message: Message, now: Timestamp) -> Timestamp? {
        guard message.status == .queued, let job = message.job, job.state == .waiting,
            job.dueAt > now || message.attempts > 0
        else { return nil }
        return job.dueAt
    }
}

/// Writes the members of one JSON object, one after the other.
struct ObjectWriter {
    private var isFirst = true

    /// Opens the object.
    mutating func begin(_ output: inout [UInt8]) { output.append(UInt8(ascii: "{")) }
    /// Closes the object.
    mutating func end(_ output: inout [UInt8]) { output.append(UInt8(ascii: "}")) }

    private mutating func name(_ name: StaticString, to output: inout [UInt8]) {
        if isFirst { isFirst = false } else { output.append(UInt8(ascii: ",")) }
        output.append(UInt8(ascii: "\""))
        // Names are the program's own and need no escaping.
        output.append(contentsOf: UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
        output.append(UInt8(ascii: "\""))
        output.append(UInt8(ascii: ":"))
    }

    /// Any value.
    mutating func member(_ name: StaticString, _ value: JSONValue, to output: inout [UInt8]) {
        self.name(name, to: &output)
        value.write(to: &output)
    }

    /// An object.
    mutating func member(_ name: StaticString, _ value: JSONObject, to output: inout [UInt8]) {
        self.name(name, to: &output)
        value.write(to: &output)
    }

    /// A string, or null.
    mutating func member(_ name: StaticString, _ text: String?, to output: inout [UInt8]) {
        self.name(name, to: &output)
        if let text { JSONWriter.write(text, to: &output) } else { output.append(contentsOf: "null".utf8) }
    }

    /// A timestamp, or null.
    mutating func member(_ name: StaticString, _ moment: Timestamp?, to output: inout [UInt8]) {
        member(name, moment?.description, to: &output)
    }
}
