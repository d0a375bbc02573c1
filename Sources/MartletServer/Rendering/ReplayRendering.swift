import Martlet

extension ReplayJob {
    /// The shape of a bulk replay.
    var json: JSONValue {
        [
            "id": .string(id.text), "status": .string(status.rawValue), "matched": .integer(Int64(matched)),
            "replayed": .integer(Int64(replayed)), "skipped": .integer(Int64(skipped)),
            "failed": .integer(Int64(failed)), "last_failure": .optional(lastFailure),
            "per_second": Int64(exactly: perSecond).map(JSONValue.integer) ?? .double(perSecond),
            "include_expired": .bool(includeExpired), "created_at": .optional(createdAt),
            "finished_at": .optional(finishedAt),
        ]
    }
}
