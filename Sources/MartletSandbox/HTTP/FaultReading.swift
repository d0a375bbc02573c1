import NIOCore

/// Reads a fault from the body of `POST /_sandbox/faults`.
///
/// Unlike the provider's endpoints it is strict: an unknown field is refused, so that a test with a slip of the pen
/// does not pass for want of the fault it asked for.
struct FaultReading {
    /// The fault, when nothing is wrong.
    private(set) var fault: SandboxFault?
    /// What is wrong, by field.
    private(set) var errors: [String: [String]] = [:]

    private static let commonFields: Set<String> = ["kind", "rate", "count", "for_ms", "key"]

    /// - Parameter fields: the body's members; `nil` when it is not a JSON object.
    init(_ fields: [String: JSONValue]?) {
        guard let fields else {
            errors["kind"] = ["The body must be a JSON object with a kind."]
            return
        }
        guard let kind = fields["kind"]?.string.flatMap(SandboxFault.Kind.init) else {
            errors["kind"] = ["must be one of " + SandboxFault.Kind.allCases.map(\.rawValue).joined(separator: ", ")]
            return
        }
        var fault = SandboxFault(kind)
        let allowed = Self.commonFields.union(kind.fields)
        for name in fields.keys where !allowed.contains(name) {
            errors[name] = [
                "is not a field of \(kind.rawValue); allowed are " + allowed.sorted().joined(separator: ", ")
            ]
        }
        read("rate", from: fields, "a number above 0, at most 1") { value in
            guard let rate = value.number, rate > 0, rate <= 1 else { return false }
            fault.rate = rate
            return true
        }
        read("count", from: fields, "a whole number above 0") { value in
            guard let count = value.integer, count > 0 else { return false }
            fault.count = count
            return true
        }
        read("for_ms", from: fields, "a whole number of milliseconds above 0, at most a day") { value in
            guard let milliseconds = value.integer, (1...86_400_000).contains(milliseconds) else { return false }
            fault.duration = .milliseconds(milliseconds)
            return true
        }
        read("delay_ms", from: fields, "a whole number of milliseconds above 0, at most 3600000") { value in
            guard let milliseconds = value.integer, (1...3_600_000).contains(milliseconds) else { return false }
            fault.delay = .milliseconds(milliseconds)
            return true
        }
        for (name, path) in [("key", \SandboxFault.key), ("to", \.to), ("event", \.event)] {
            read(name, from: fields, "a string that is not empty") { value in
                guard let text = value.string, !text.isEmpty else { return false }
                fault[keyPath: path] = text
                return true
            }
        }
        readPath(from: fields, into: &fault)
        readAnswer(from: fields, into: &fault)
        if errors.isEmpty { self.fault = fault }
    }

    private mutating func readPath(from fields: [String: JSONValue], into fault: inout SandboxFault) {
        let allowed = fault.kind.paths
        read("path", from: fields, "one of " + allowed.map(\.rawValue).joined(separator: ", ")) { value in
            guard let path = value.string.flatMap(SandboxFault.Path.init), allowed.contains(path) else { return false }
            fault.path = path
            return true
        }
        if fault.path != .send, fault.path != .webhook, fields["to"] != nil || fields["accept"] != nil {
            errors["path"] = ["to and accept go with the paths send and webhook alone"]
        }
    }

    private mutating func readAnswer(from fields: [String: JSONValue], into fault: inout SandboxFault) {
        read("status", from: fields, "an HTTP status from 200 to 599") { value in
            guard let status = value.integer, (200...599).contains(status) else { return false }
            fault.statusCode = status
            return true
        }
        read("retry_after", from: fields, "a whole number of seconds from 0 to 86400") { value in
            guard let seconds = value.integer, (0...86_400).contains(seconds) else { return false }
            fault.retryAfterSeconds = seconds
            return true
        }
        read("accept", from: fields, "true or false") { value in
            guard let accepts = value.bool else { return false }
            fault.accepts = accepts
            return true
        }
        read("body", from: fields, "a string") { value in
            guard let text = value.string else { return false }
            fault.body = ByteBuffer(string: text)
            fault.bodyIsJSON = false
            return true
        }
        if let json = fields["json"] {
            fault.body = json.encoded
            fault.bodyIsJSON = true
            if fields["body"] != nil { errors["json"] = ["goes without body"] }
        }
        read("headers", from: fields, "an object of strings") { value in
            guard let headers = value.object, headers.values.allSatisfy({ $0.string != nil }) else { return false }
            fault.headers = headers.compactMapValues(\.string)
            return true
        }
    }

    private mutating func read(
        _ name: String, from fields: [String: JSONValue], _ rule: String, _ take: (JSONValue) -> Bool
    ) {
        guard let value = fields[name] else { return }
        if !take(value) { errors[name, default: []].append("must be \(rule)") }
    }
}

extension SandboxFault.Kind {
    /// The fields it takes beside those all kinds take.
    fileprivate var fields: Set<String> {
        switch self {
        case .status: ["path", "to", "status", "body", "json", "headers", "retry_after", "accept"]
        case .garbage: ["path", "to", "body", "headers", "accept"]
        case .timeout, .slow: ["path", "to", "delay_ms"]
        case .acceptThenTimeout: ["path", "to", "delay_ms"]
        case .reset, .acceptThenReset: ["path", "to"]
        case .sessionDown: []
        case .webhookDrop, .webhookDuplicate: ["path", "to", "event"]
        case .webhookReorder, .webhookBeforeResponse: ["path", "to"]
        }
    }

    /// The paths it can strike.
    fileprivate var paths: [SandboxFault.Path] {
        switch self {
        case .status, .garbage, .timeout, .reset, .slow: [.send, .info, .status, .logs]
        case .acceptThenReset, .acceptThenTimeout, .sessionDown: [.send]
        case .webhookDrop, .webhookDuplicate, .webhookReorder, .webhookBeforeResponse: [.webhook]
        }
    }
}

extension FaultBoard.Entry {
    /// The fault as `/_sandbox/faults` shows it.
    func json(at now: SandboxInstant) -> JSONValue {
        var data: [String: JSONValue] = [
            "id": .integer(id), "kind": .string(fault.kind.rawValue), "path": .string(fault.path.rawValue),
            "rate": .number(fault.rate), "struck": .integer(struck),
            "count": fault.count.map { .integer($0) } ?? .null, "key": .optional(fault.key), "to": .optional(fault.to),
            "ends_in_ms": end.map { .integer(Int(max(0, $0 - now.nanoseconds) / 1_000_000)) } ?? .null,
        ]
        if let event = fault.event { data["event"] = .string(event) }
        if fault.kind == .status { data["status"] = .integer(fault.statusCode) }
        return .object(data)
    }
}
