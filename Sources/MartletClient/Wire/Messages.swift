/// A message as the server shows it.
package struct MessageRecord: Sendable, Equatable, Decodable {
    package var id: String
    package var channel: String?
    package var to: String
    package var type: String
    /// `queued`, `sent`, `delivered`, `read` or `failed`.
    package var status: String
    /// What the message is waiting for, while it waits.
    package var condition: String?
    package var messageID: String?
    package var submissionID: String?
    package var attempts: Int
    package var nextAttemptAt: String?
    package var errorReason: String?
    package var isDeadLettered: Bool
    package var priority: String
    package var createdAt: String
    package var updatedAt: String
    package var sentAt: String?
    package var deliveredAt: String?
    package var readAt: String?
    package var failedAt: String?

    private enum CodingKeys: String, CodingKey {
        case id, channel, to, type, status, condition, attempts, priority
        case messageID = "message_id"
        case submissionID = "submission_id"
        case nextAttemptAt = "next_attempt_at"
        case errorReason = "error_reason"
        case isDeadLettered = "dead_lettered"
        case createdAt = "created_at"
        case updatedAt = "updated_at"
        case sentAt = "sent_at"
        case deliveredAt = "delivered_at"
        case readAt = "read_at"
        case failedAt = "failed_at"
    }

    /// Whether nothing more is to be expected but a read receipt.
    package var isFinal: Bool { ["delivered", "read", "failed"].contains(status) }
}

/// One entry of a message's timeline.
package struct TimelineRecord: Sendable, Equatable, Decodable {
    package var id: String
    package var type: String
    package var at: String
    package var attempt: Int?
    package var outcome: String?
    package var httpStatus: Int?
    package var durationMilliseconds: Int?
    package var error: String?
    package var detail: String?

    private enum CodingKeys: String, CodingKey {
        case id, type, at, attempt, outcome, error, detail
        case httpStatus = "http_status"
        case durationMilliseconds = "duration_ms"
    }
}

/// A dead letter: the message, and how its attempts went.
package struct DeadLetterRecord: Sendable, Equatable, Decodable {
    package var message: MessageRecord
    package var deadLetteredAt: String?
    package var attemptHistory: [TimelineRecord]

    private enum CodingKeys: String, CodingKey {
        case deadLetteredAt = "dead_lettered_at"
        case attemptHistory = "attempt_history"
    }

    package init(from decoder: any Decoder) throws {
        message = try MessageRecord(from: decoder)
        let container = try decoder.container(keyedBy: CodingKeys.self)
        deadLetteredAt = try container.decodeIfPresent(String.self, forKey: .deadLetteredAt)
        attemptHistory = try container.decodeIfPresent([TimelineRecord].self, forKey: .attemptHistory) ?? []
    }
}

/// One page of a list.
package struct Page<Element: Sendable & Decodable>: Sendable, Decodable {
    package var data: [Element]
    /// Where the next page starts; nil on the last.
    package var nextCursor: String?

    private enum CodingKeys: String, CodingKey {
        case data
        case nextCursor = "next_cursor"
    }
}

/// Which messages a list holds. Times are RFC 3339.
package struct MessageFilter: Sendable, Equatable {
    package var recipient: String?
    package var messageID: String?
    package var status: String?
    package var channel: String?
    package var since: String?
    package var until: String?
    package var limit: Int?
    package var cursor: String?

    package init() {}

    var query: [(String, String)] {
        [
            ("recipient", recipient), ("message_id", messageID), ("status", status), ("channel", channel),
            ("since", since), ("until", until), ("limit", limit.map(String.init)), ("cursor", cursor),
        ].compactMap { name, value in value.map { (name, $0) } }
    }
}

/// What became of one message of a batch.
package struct BatchResult: Sendable, Equatable, Decodable {
    package var index: Int
    /// 202 accepted, 200 seen before, 409 or 422 refused.
    package var status: Int
    package var id: String?
    package var error: Problem?
}

/// Counts and rates of one tenant.
package struct Statistics: Sendable, Decodable {
    package struct Channel: Sendable, Decodable {
        package var id: String
        package var name: String
        package var status: String
        package var waiting: Int
        package var oldestDueSeconds: Double?
        package var sentLastMinute: Int?
        package var allowedPerSecond: Double?

        private enum CodingKeys: String, CodingKey {
            case id, name, status, waiting
            case oldestDueSeconds = "oldest_due_seconds"
            case sentLastMinute = "sent_last_minute"
            case allowedPerSecond = "allowed_per_second"
        }
    }

    /// Messages by status.
    package var counts: [String: Int]
    package var deadLetters: Int
    package var channels: [Channel]

    private enum CodingKeys: String, CodingKey {
        case counts, channels
        case deadLetters = "dead_letters"
    }
}
