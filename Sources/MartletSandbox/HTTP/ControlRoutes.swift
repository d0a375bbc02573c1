import HTTPTypes
import Hummingbird
import NIOCore

/// The sandbox's own endpoints, below `/_sandbox`. They need no authorization.
struct ControlRoutes: SandboxRoutes {
    let core: SandboxCore

    /// Entries that are written to the connection at a time.
    private static let pageEntries = 1000

    func add(to group: RouterGroup<SandboxRequestContext>) {
        group.get { _, _ in WireAnswer.json(self.description).response }
        group.get("messages", use: messages)
        group.get("stats") { _, _ in WireAnswer.json(self.core.statistics().json).response }
        group.get("faults") { _, _ in
            self.core.decide { state, now in
                WireAnswer.json(["data": .array(state.faultsInForce(at: now).map { $0.json(at: now) })])
            }.response
        }
        group.post("faults", use: begin)
        group.delete("faults") { _, _ in
            let ended = self.core.decide { state, now in state.endFaults(at: now) }
            self.core.held.release()
            return WireAnswer.json(["ended": .integer(ended)]).response
        }
        group.delete("faults/:id") { _, context in
            let id = Int(self.parameter("id", of: context)) ?? 0
            let ended = self.core.decide { state, now in state.endFaults(id: id, at: now) }
            self.core.held.release(fault: id)
            return WireAnswer.json(["ended": .integer(ended)], status: ended == 0 ? .notFound : .ok).response
        }
        group.post("reset") { _, _ in
            self.core.reset()
            return WireAnswer.json(["reset": true]).response
        }
    }

    /// The ledger, page by page, so that a long one neither fills the memory nor keeps senders waiting.
    @Sendable private func messages(_ request: Request, _ context: SandboxRequestContext) async throws -> Response {
        let query = request.uri.queryParameters
        var numbers: [String: Int] = [:]
        for name in ["since", "limit"] {
            guard let text = query[name[...]] else { continue }
            guard let number = Int(text), number >= 0 else {
                return WireAnswer.json(
                    ["error": "\(name) must be a whole number, 0 or more"], status: .unprocessableContent
                ).response
            }
            numbers[name] = number
        }
        let since = numbers["since"] ?? 0
        let limit = numbers["limit"] ?? .max
        let body = ResponseBody { writer in
            try await writer.write(ByteBuffer(string: "{\"data\":["))
            var last = since
            var left = limit
            while left > 0 {
                let (start, count) = (last, min(left, Self.pageEntries))
                let entries = self.core.decide { state, _ in state.ledger.entries(after: start, limit: count) }
                guard let end = entries.last?.sequence else { break }
                var page = JSONWriter(capacity: 512 * entries.count)
                for entry in entries {
                    if left < limit { page.literal(",") }
                    page.entry(entry)
                    left -= 1
                }
                last = end
                try await writer.write(page.buffer)
            }
            try await writer.write(ByteBuffer(string: "]}"))
            try await writer.finish(nil)
        }
        return Response(status: .ok, headers: [.contentType: "application/json"], body: body)
    }

    @Sendable private func begin(_ request: Request, _ context: SandboxRequestContext) async throws -> Response {
        let body = try await request.body.collect(upTo: context.maxUploadSize)
        let reading = FaultReading(JSONValue.parseObject(Array(body.readableBytesView)))
        guard let fault = reading.fault else {
            return WireAnswer.json(
                [
                    "error": "the fault is not valid",
                    "errors": .object(reading.errors.mapValues { .array($0.map { .string($0) }) }),
                ],
                status: .unprocessableContent
            ).response
        }
        return core.decide { state, now in
            guard let entry = state.begin(fault, at: now) else {
                return WireAnswer.json(
                    ["error": "there are \(FaultBoard.capacity) faults in force already"], status: .conflict)
            }
            return WireAnswer.json(entry.json(at: now))
        }.response
    }

    /// What the sandbox is, and what can be done with it.
    private var description: JSONValue {
        let configuration = core.configuration
        let prefix = configuration.purposefulPrefix
        let numbers = PurposefulNumber.allCases.map { number -> (String, JSONValue) in
            ("+\(prefix)…\(number.rawValue)", .string(number.explanation))
        }
        return [
            "name": "martlet sandbox",
            "wire_formats": ["wasender": ["base_path": "/api"]],
            "limits": .array(configuration.limits.map { .string($0.description) }),
            "account_protection": .bool(configuration.accountProtection),
            "numbers": .object(Dictionary(numbers, uniquingKeysWith: { first, _ in first })),
            "fault_kinds": .array(SandboxFault.Kind.allCases.map { .string($0.rawValue) }),
            "fault_paths": .array(SandboxFault.Path.allCases.map { .string($0.rawValue) }),
            "ledger_capacity": .integer(configuration.ledgerCapacity),
            "endpoints": [
                "GET /_sandbox/messages?since=&limit=", "GET /_sandbox/stats", "GET /_sandbox/faults",
                "POST /_sandbox/faults", "DELETE /_sandbox/faults", "DELETE /_sandbox/faults/{id}",
                "POST /_sandbox/reset",
            ],
        ]
    }
}

extension JSONWriter {
    /// Appends a row of the ledger.
    fileprivate mutating func entry(_ entry: LedgerEntry) {
        literal("{\"seq\":")
        integer(entry.sequence)
        literal(",\"received_us\":")
        integer(entry.receivedAt.wallMicroseconds)
        literal(",\"key\":")
        string(entry.key)
        literal(",\"to\":")
        string(entry.to)
        literal(",\"text\":")
        string(entry.text)
        literal(",\"body\":")
        raw(entry.body)
        literal(",\"msg_id\":")
        integer(entry.messageID)
        literal(",\"outcome\":\"")
        raw(entry.outcome.rawValue.utf8)
        literal("\"}")
    }
}

extension SandboxStatistics {
    /// The statistics as `/_sandbox/stats` shows them.
    var json: JSONValue {
        [
            "received": .integer(received), "accepted": .integer(accepted), "refused_429": .integer(refusedByLimit),
            "refused_fault": .integer(refusedByFault), "refused_unauthorized": .integer(refusedUnauthorized),
            "refused_invalid": .integer(refusedInvalid), "refused_session_down": .integer(refusedSessionDown),
            "duplicates": .integer(duplicates), "highest_in_any_second": .integer(highestInAnySecond),
            "forgotten": .integer(forgotten),
            "webhooks": [
                "delivered": .integer(webhooks.delivered), "failed": .integer(webhooks.failed),
                "discarded": .integer(webhooks.discarded), "pending": .integer(webhooks.pending),
                "dropped": .integer(webhooks.dropped),
            ],
            "by_key": .object(
                keys.mapValues { key in
                    [
                        "accepted": .integer(key.accepted), "refused_429": .integer(key.refusedByLimit),
                        "highest_in_any_second": .integer(key.highestInAnySecond),
                    ]
                }),
        ]
    }
}
