import Martlet

/// The shape of a timeline's entry: members that say nothing are left out.
enum TimelineRendering {
    /// The entry as JSON.
    static func value(_ event: TimelineEvent) -> JSONValue {
        var object: JSONObject = [
            "id": .string(event.id.text), "type": .string(event.kind.rawValue), "at": .string(event.at.description),
        ]
        object["attempt"] = event.attempt.map { .integer(Int64($0)) }
        object["outcome"] = event.outcome.map { .string($0) }
        object["http_status"] = event.httpStatus.map { .integer(Int64($0)) }
        object["duration_ms"] = event.durationMilliseconds.map { .integer(Int64($0)) }
        object["error"] = event.error.map { .string($0) }
        object["detail"] = event.detail.map { .string($0) }
        return .object(object)
    }
}
