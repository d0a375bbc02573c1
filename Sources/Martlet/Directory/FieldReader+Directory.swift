/// The kinds of fields that tenants, keys and channels have.
extension FieldReader {
    /// A name: 1 to 128 printable characters, not of spaces alone.
    mutating func name(_ name: String, required: Bool = false) -> String? {
        guard let text = string(name, required: required, max: 128) else { return nil }
        guard MessageDraft.isPrintable(text), text.contains(where: { !$0.isWhitespace }) else {
            refuse(name, "must be of printable characters")
            return nil
        }
        return text
    }

    /// What a provider signs its webhooks with, or sends along.
    mutating func webhookSecret() -> String? {
        guard let text = string("webhook_secret", max: 512) else { return nil }
        guard MessageDraft.isPrintable(text) else {
            refuse("webhook_secret", "must be of printable characters")
            return nil
        }
        return text
    }

    /// The start of a provider's addresses: an http or https URL with nothing but a host, a port and a path.
    mutating func baseURL(_ name: String) -> String? {
        guard let address = webAddress(name) else { return nil }
        guard !address.hasUser, !address.hasQueryOrFragment else {
            refuse(name, "must be an http or https URL without user, query and fragment")
            return nil
        }
        return address.text
    }

    /// Limits such as `[{"count": 50, "per_seconds": 1}]`, at most eight.
    mutating func rateLimits(_ name: String) -> [RateLimit]? {
        guard let entries = array(name, max: 8) else { return nil }
        var limits: [RateLimit] = []
        for (index, entry) in entries.enumerated() {
            let place = "\(pointer(to: name))/\(index)"
            guard let object = entry.objectValue else {
                adopt([FieldError(place, "must be an object, not \(entry.kindName)")])
                continue
            }
            var reader = FieldReader(object, pointer: place)
            let count = reader.integer("count", required: true, in: 1...1_000_000)
            let perSeconds = reader.double("per_seconds", required: true, in: 0.001...86_400)
            reader.refuseUnknown()
            adopt(reader.errors)
            if let count, let perSeconds { limits.append(RateLimit(count: Int(count), perSeconds: perSeconds)) }
        }
        return limits
    }
}
