import HTTPTypes
import NIOCore

/// WasenderApi's answers, in the several shapes its documentation shows.
///
/// Texts and shapes are those of <https://wasenderapi.com/api-docs>; where it does not name the HTTP status, the
/// convention of Laravel stands in, which the service is built with.
enum WasenderAnswer {
    /// The text of a session that is not connected.
    static let notConnectedText = "Your Whatsapp Session is not connected please connect your session first."

    /// A business error: `{"success":false,"message":…}`.
    static func failure(_ message: String, status: HTTPResponse.Status) -> WireAnswer {
        .json(["success": false, "message": .string(message)], status: status)
    }

    /// Success with data.
    static func success(_ data: JSONValue, status: HTTPResponse.Status = .ok) -> WireAnswer {
        .json(["success": true, "data": data], status: status)
    }

    /// Success that has nothing but words.
    static func done(_ message: String) -> WireAnswer {
        .json(["success": true, "message": .string(message)])
    }

    /// Why a key was not let in.
    static func refusal(_ refusal: KeyRefusal) -> WireAnswer {
        switch refusal {
        case .missing: failure("API key is required", status: .unauthorized)
        case .invalid: failure("Invalid API key", status: .unauthorized)
        case .full: failure("The sandbox holds no more sessions", status: .serviceUnavailable)
        }
    }

    /// Fields that break the rules, each with its sentences.
    static func invalid(_ errors: [String: [String]], message: String = "Validation failed") -> WireAnswer {
        .json(
            [
                "success": false, "message": .string(message),
                "errors": .object(errors.mapValues { .array($0.map { .string($0) }) }),
            ],
            status: .unprocessableContent)
    }

    /// The recipient is not on WhatsApp.
    static func unknownRecipient() -> WireAnswer {
        let text = "JID does not exist on WhatsApp"
        return invalid(["to": [text]], message: text)
    }

    /// Something that is not there.
    static func notFound(_ what: String) -> WireAnswer {
        failure("\(what) not found", status: .notFound)
    }

    /// A send that was accepted.
    static func accepted(messageID: Int, to: String) -> WireAnswer {
        var writer = JSONWriter(capacity: 128)
        writer.literal("{\"success\":true,\"data\":{\"msgId\":")
        writer.integer(messageID)
        writer.literal(",\"jid\":")
        writer.string(to)
        writer.literal(",\"status\":\"in_progress\"}}")
        return WireAnswer(status: .ok, body: writer.buffer)
    }

    /// Over a limit: a body without `success`, with the whole seconds left.
    static func limited(_ refusal: SlidingWindow.Refusal, isAccountProtection: Bool) -> WireAnswer {
        let seconds = wholeSeconds(refusal.waitNanoseconds)
        let text =
            if isAccountProtection {
                "You have account protection enabled. You can only send 1 message every 5 seconds."
            } else {
                "Too many requests. The limit is \(refusal.limit)."
            }
        return .json(["message": .string(text), "retry_after": .integer(seconds)], status: .tooManyRequests)
    }

    /// What the provider would answer with a status, for faults that give no body of their own.
    static func usualBody(ofStatus status: Int, retryAfterSeconds: Int) -> ByteBuffer {
        let value: JSONValue =
            switch status {
            case 200..<300: ["success": true, "message": "OK"]
            case 401: ["success": false, "message": "Invalid API key"]
            case 402, 403: ["success": false, "message": "Active subscription or trial is required to use the API"]
            case 404: ["success": false, "message": "Not found"]
            case 409: ["success": false, "message": .string(notConnectedText)]
            case 422:
                [
                    "success": false, "message": "Validation failed",
                    "errors": ["to": ["The to field is invalid."]],
                ]
            case 429: ["message": "Too many requests.", "retry_after": .integer(retryAfterSeconds)]
            case 400..<500: ["success": false, "message": "Bad request"]
            default: ["success": false, "message": "Internal server error"]
            }
        return value.encoded
    }

    /// The headers that tell of the limit. `X-RateLimit-Reset` is the seconds until the window has room again for
    /// all, the reading of the documentation's page on rate limits.
    static func limitHeaders(
        _ reading: SlidingWindow.Reading, daily: SlidingWindow.Reading? = nil
    ) -> HTTPFields {
        var headers = HTTPFields()
        headers[.rateLimitLimit] = String(reading.limit)
        headers[.rateLimitRemaining] = String(reading.remaining)
        headers[.rateLimitReset] = String(wholeSeconds(reading.resetNanoseconds))
        if let daily {
            headers[.rateLimitDailyLimit] = String(daily.limit)
            headers[.rateLimitDailyRemaining] = String(daily.remaining)
            headers[.rateLimitDailyReset] = String(wholeSeconds(daily.resetNanoseconds))
        }
        return headers
    }

    /// Rounded up, so that who waits so long is let in.
    private static func wholeSeconds(_ nanoseconds: Int64) -> Int {
        Int((nanoseconds + 999_999_999) / 1_000_000_000)
    }
}

extension HTTPField.Name {
    private static func known(_ name: String) -> HTTPField.Name {
        guard let name = HTTPField.Name(name) else { preconditionFailure("a header name in the source is valid") }
        return name
    }

    static let rateLimitLimit = known("X-RateLimit-Limit")
    static let rateLimitRemaining = known("X-RateLimit-Remaining")
    static let rateLimitReset = known("X-RateLimit-Reset")
    static let rateLimitDailyLimit = known("X-RateLimit-Daily-Limit")
    static let rateLimitDailyRemaining = known("X-RateLimit-Daily-Remaining")
    static let rateLimitDailyReset = known("X-RateLimit-Daily-Reset")
}
