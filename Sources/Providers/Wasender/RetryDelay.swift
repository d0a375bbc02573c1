import Martlet

/// How long the provider wants to be left alone, from whichever of its ways to say so is the most direct.
enum RetryDelay {
    /// Daily limits reach until midnight; what is longer is not meant.
    static let max = Duration.seconds(24 * 60 * 60)

    /// - parameter isThrottled: the provider said that this request was too fast, so that an exhausted window needs no
    ///   further proof.
    static func read(_ envelope: Envelope?, _ headers: [String: String], isThrottled: Bool, now: Timestamp) -> Duration?
    {
        if let seconds = envelope?.retryAfterSeconds { return bounded(seconds) }
        if let text = headers["retry-after"] {
            if let seconds = JSONValue.string(text.trimmedASCII).looseNumber { return bounded(seconds) }
            if let date = HTTPDate.timestamp(text.trimmedASCII) { return bounded((date - now).seconds) }
        }
        // The daily window is asked first: where it is used up, the minute's soon passes and helps nothing.
        if headers["x-ratelimit-daily-remaining"]?.trimmedASCII == "0",
            let delay = reset(headers["x-ratelimit-daily-reset"], now: now)
        {
            return delay
        }
        guard isThrottled || headers["x-ratelimit-remaining"]?.trimmedASCII == "0" else { return nil }
        return reset(headers["x-ratelimit-reset"], now: now)
    }

    /// Two pages of the documentation disagree whether the header holds a delay or a Unix time; a value that is later
    /// than now in Unix time can only be the latter.
    private static func reset(_ text: String?, now: Timestamp) -> Duration? {
        guard let text, let value = JSONValue.string(text.trimmedASCII).looseNumber, value >= 0 else { return nil }
        let nowSeconds = Double(now.microseconds) / 1e6
        if value >= 1e11 { return bounded(value / 1000 - nowSeconds) }
        return value > nowSeconds + 5 ? bounded(value - nowSeconds) : bounded(value > 1e9 ? 0 : value)
    }

    private static func bounded(_ seconds: Double) -> Duration? {
        guard seconds.isFinite else { return nil }
        return seconds >= Self.max.seconds ? Self.max : .microseconds(Int64(Swift.max(0, seconds) * 1e6))
    }
}

/// The preferred form of a date in HTTP (RFC 9110, 5.6.7): `Sun, 06 Nov 1994 08:49:37 GMT`.
enum HTTPDate {
    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    /// Nil for anything else; the obsolete forms have not been sent for decades.
    static func timestamp(_ text: String) -> Timestamp? {
        let parts = text.split(separator: " ")
        guard parts.count == 6, parts[0].count == 4, parts[0].last == ",", parts[1].utf8.count == 2, parts[5] == "GMT",
            let month = months.firstIndex(of: String(parts[2]))
        else { return nil }
        let number = month < 9 ? "0\(month + 1)" : "\(month + 1)"
        return Timestamp(rfc3339: "\(parts[3])-\(number)-\(parts[1])T\(parts[4])Z")
    }
}

extension String {
    /// Without the spaces around it that a header may have.
    var trimmedASCII: String {
        let isSpace: (Unicode.Scalar) -> Bool = { $0.value == 0x20 || (0x09...0x0D).contains($0.value) }
        let rest = unicodeScalars.drop(while: isSpace)
        guard let last = rest.lastIndex(where: { !isSpace($0) }) else { return "" }
        return String(rest[...last])
    }
}
