/// A request for a bulk replay, checked as far as it can be without knowing the tenant's channels.
package struct ReplayDraft: Sendable, Equatable {
    /// The filter's channel by name or id.
    package var channel: String?
    /// The rest of the filter.
    package var filter: DeadLetterFilter
    package var perSecond: Double
    package var includeExpired: Bool
    package var correction: BulkCorrection
    /// Only a count is asked for.
    package var isDryRun: Bool

    /// Reads a request body (CONTRACT: `POST /v1/replays`). The filter must be there, though it may be empty: nobody replays
    /// everything by leaving something out.
    package static func read(_ value: JSONValue) -> Result<ReplayDraft, FieldErrors> {
        guard let object = value.objectValue else {
            return .failure(FieldErrors([FieldError("", "must be an object, not \(value.kindName)")]))
        }
        var reader = FieldReader(object)
        var draft = ReplayDraft(
            filter: DeadLetterFilter(), perSecond: ReplayJob.perSecondDefault, includeExpired: false,
            correction: BulkCorrection(), isDryRun: false)
        if let filter = reader.object("filter", required: true) {
            var filterReader = FieldReader(filter, pointer: reader.pointer(to: "filter"))
            draft.readFilter(&filterReader)
            reader.adopt(filterReader.errors)
        }
        if let perSecond = reader.double("per_second", in: ReplayJob.perSecondRange) { draft.perSecond = perSecond }
        draft.includeExpired = reader.bool("include_expired") ?? false
        draft.isDryRun = reader.bool("dry_run") ?? false
        if let correction = reader.object("correct") {
            var correctionReader = FieldReader(correction, pointer: reader.pointer(to: "correct"))
            draft.correction = correctionReader.bulkCorrection()
            reader.adopt(correctionReader.errors)
        }
        reader.refuseUnknown()
        guard reader.errors.isEmpty else { return .failure(FieldErrors(reader.errors)) }
        return .success(draft)
    }

    private mutating func readFilter(_ reader: inout FieldReader) {
        channel = reader.string("channel", max: 128)
        filter.recipient = reader.phoneNumber("recipient")
        filter.providerMessageID = reader.string("message_id", max: 255)
        filter.since = reader.timestamp("since")
        filter.until = reader.timestamp("until")
        if let since = filter.since, let until = filter.until, until <= since {
            reader.refuse("until", "must be later than since")
        }
        filter.reason = reader.string("reason", max: 64)
        if let reason = filter.reason,
            !reason.utf8.allSatisfy({
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) || $0 == UInt8(ascii: "_")
            })
        {
            reader.refuse("reason", "must be the beginning of an error_reason's code, such as invalid_recipient")
        }
        reader.refuseUnknown()
    }
}

extension FieldReader {
    fileprivate mutating func bulkCorrection() -> BulkCorrection {
        var correction = BulkCorrection()
        correction.numberPrefix = numberPrefix()
        if let payload = object("payload") {
            correction.payload = payload
            if payload.isEmpty { refuse("payload", "must not be empty") }
            var reader = FieldReader(payload, pointer: pointer(to: "payload"))
            reader.refuseWhatNoPayloadHas()
            adopt(reader.errors)
        }
        refuseUnknown()
        return correction
    }

    private mutating func numberPrefix() -> BulkCorrection.NumberPrefix? {
        guard let pair = array("to_prefix", max: 2) else { return nil }
        guard pair.count == 2 else {
            refuse("to_prefix", "must have two entries: the wrong beginning of numbers and the right one")
            return nil
        }
        let place = pointer(to: "to_prefix")
        for (index, element) in pair.enumerated() where !(element.stringValue.map(Self.isNumberPrefix) ?? false) {
            adopt([FieldError("\(place)/\(index)", "must be the beginning of a number, such as +4411")])
        }
        guard let wrong = pair[0].stringValue, let right = pair[1].stringValue else { return nil }
        if wrong == right { refuse("to_prefix", "must name two different beginnings") }
        if right.hasPrefix("+0") {
            adopt([FieldError("\(place)/1", "must not lead to numbers that begin with a zero")])
        }
        return BulkCorrection.NumberPrefix(wrong: wrong, right: right)
    }

    /// A plus sign alone is the beginning of every number.
    private static func isNumberPrefix(_ text: String) -> Bool {
        text.utf8.first == UInt8(ascii: "+") && text.utf8.count <= 16
            && text.utf8.dropFirst().allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    }

    /// Refuses members that no type of message has, or not so: they would fail every message of the job. What a single type
    /// demands is checked with each message.
    private mutating func refuseWhatNoPayloadHas() {
        _ = string("body", max: Payload.textCharactersMax)
        _ = webAddress("url")
        _ = string("caption", min: 0, max: Payload.textCharactersMax)
        _ = string("filename", max: 255)
        _ = double("latitude", in: -90...90)
        _ = double("longitude", in: -180...180)
        _ = string("name", min: 0, max: 1024)
        _ = string("address", min: 0, max: 1024)
        _ = phoneNumber("phone")
        _ = string("language", max: 32)
        _ = array("components", max: 32)
        refuseUnknown()
    }
}
