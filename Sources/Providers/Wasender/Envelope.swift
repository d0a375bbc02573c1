import Martlet

/// What the provider wraps its answers in. There are several forms, which all are read as one:
/// `{"success", "data"}`, `{"success", "message", "errors"?}`, `{"success", "error"}` and `{"message", "retry_after"}`
/// (docs 'Error Responses', 'Understanding Rate Limits').
package struct Envelope {
    let object: JSONObject

    /// Nil when the body is not a JSON object.
    package init?(_ body: [UInt8]) {
        guard let object = try? JSONParser.value(body).objectValue else { return nil }
        self.object = object
    }

    var data: JSONValue? { object["data"] }

    /// What the provider says of itself; nil where it says nothing.
    var isSuccess: Bool? { object["success"]?.boolValue }

    /// What went wrong, in the provider's words; nil where it has none.
    var message: String? {
        for name in ["message", "error"] {
            switch object[name] {
            case .string(let text)? where !text.isEmpty: return text
            case .object(let inner)?:
                if let text = inner["message"]?.stringValue, !text.isEmpty { return text }
            default: continue
            }
        }
        return nil
    }

    /// The fields that were found wrong.
    var faultyFields: [String] { object["errors"]?.objectValue?.names ?? [] }

    /// The message with what is said of each field.
    var words: String? {
        let fields = (object["errors"]?.objectValue?.members ?? []).prefix(Self.fieldsMax).map { member in
            let texts =
                member.value.arrayValue?.compactMap(\.stringValue) ?? [member.value.stringValue].compactMap { $0 }
            return texts.isEmpty
                ? member.name : "\(member.name): \(texts.prefix(Self.fieldsMax).joined(separator: " "))"
        }
        let all = [message].compactMap { $0 } + fields
        return all.isEmpty ? nil : all.joined(separator: "; ")
    }

    private static let fieldsMax = 20

    /// Whether this can only come from the provider itself, not from something in front of it.
    var isProvidersOwn: Bool { isSuccess != nil || message != nil }

    /// How long to wait by the body, in seconds.
    var retryAfterSeconds: Double? { (object["retry_after"] ?? object["retryAfter"])?.looseNumber }
}
