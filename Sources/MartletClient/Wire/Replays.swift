/// Which dead letters a bulk replay takes, and how.
package struct ReplayRequest: Sendable, Equatable, Encodable {
    /// Which dead letters; what is nil does not matter. Times are RFC 3339.
    package struct Filter: Sendable, Equatable, Encodable {
        package var recipient: String?
        package var messageID: String?
        /// Name or id.
        package var channel: String?
        package var since: String?
        package var until: String?
        /// How the code of the error begins.
        package var reason: String?

        package init() {}

        private enum CodingKeys: String, CodingKey {
            case recipient, channel, since, until, reason
            case messageID = "message_id"
        }
    }

    /// What is changed in every message.
    package struct Correction: Sendable, Equatable, Encodable {
        /// The wrong beginning of numbers and the right one.
        package var numberPrefix: [String]?
        /// Laid over each message's content.
        package var payload: [String: JSON]?

        package init() {}

        private enum CodingKeys: String, CodingKey {
            case payload
            case numberPrefix = "to_prefix"
        }
    }

    package var filter = Filter()
    /// Messages a second; nil leaves it to the server.
    package var perSecond: Double?
    package var includeExpired: Bool?
    package var correction: Correction?
    var isDryRun: Bool?

    package init() {}

    private enum CodingKeys: String, CodingKey {
        case filter
        case perSecond = "per_second"
        case includeExpired = "include_expired"
        case correction = "correct"
        case isDryRun = "dry_run"
    }
}

/// A bulk replay as the server shows it.
package struct ReplayRecord: Sendable, Equatable, Decodable {
    package var id: String
    /// `running`, `finished` or `cancelled`.
    package var status: String
    package var matched: Int
    package var replayed: Int
    package var skipped: Int
    package var failed: Int
    package var lastFailure: String?
    package var perSecond: Double
    package var createdAt: String
    package var finishedAt: String?

    private enum CodingKeys: String, CodingKey {
        case id, status, matched, replayed, skipped, failed
        case lastFailure = "last_failure"
        case perSecond = "per_second"
        case createdAt = "created_at"
        case finishedAt = "finished_at"
    }
}

/// How many dead letters a bulk replay would take.
package struct ReplayEstimate: Sendable, Equatable, Decodable {
    package var matched: Int
    /// Those among them that are expired and would be left where they are.
    package var skipped: Int
}
