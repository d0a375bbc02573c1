import Martlet

/// One operation of the description.
struct OpenAPIOperation {
    /// A body that a request has or an answer carries.
    struct Body {
        var schema: String
        var contentType = "application/json"
        var isRequired = true
    }

    /// In lower case, as OpenAPI has it.
    var method: String
    var path: String
    var id: String
    var tag: String
    var summary: String
    /// Names of security schemes, any one of which will do; empty for everybody.
    var security: [String]
    /// Names in `components/parameters`.
    var parameters: [String] = []
    var request: Body?
    /// What a success looks like.
    var answers: [(status: Int, description: String, body: Body?)]
    /// Statuses of the refusals it may answer with.
    var refusals: [Int] = []

    /// The operation object.
    var value: JSONValue {
        var object: JSONObject = [
            "operationId": .string(id), "tags": [.string(tag)], "summary": .string(summary),
            "security": .array(security.map { .object([$0: []]) }),
        ]
        if !parameters.isEmpty {
            object["parameters"] = .array(parameters.map { ["$ref": .string("#/components/parameters/\($0)")] })
        }
        if let request {
            object["requestBody"] = .object([
                "required": .bool(request.isRequired), "content": Self.content(request),
            ])
        }
        var responses = JSONObject()
        for answer in answers {
            var response: JSONObject = ["description": .string(answer.description)]
            response["content"] = answer.body.map(Self.content)
            responses[String(answer.status)] = .object(response)
        }
        for status in refusals {
            responses[String(status)] = ["$ref": .string("#/components/responses/refusal.\(status)")]
        }
        object["responses"] = .object(responses)
        return .object(object)
    }

    private static func content(_ body: Body) -> JSONValue {
        .object([body.contentType: ["schema": ["$ref": .string("#/components/schemas/\(body.schema)")]]])
    }
}

extension OpenAPIOperation {
    /// Every operation there is, whatever the role.
    static let all: [OpenAPIOperation] =
        messages + deadLetters + replays + statistics + channels + sessions + tenants + keys + webhooks + service

    /// The scraper's own token.
    static let scraper = ["metricsToken"]
    private static let tenant = ["tenantKey"]
    private static let administrator = ["adminToken"]
    private static let either = ["tenantKey", "adminToken"]
    private static let filters = [
        "query.recipient", "query.message_id", "query.status", "query.channel", "query.since", "query.until",
        "query.limit", "query.cursor",
    ]
    private static let page = ["query.limit", "query.cursor"]
    private static let bodyRefusals = [400, 401, 403, 413, 415, 422, 503]

    private static func body(_ schema: String) -> Body { Body(schema: schema) }
    private static func optionalBody(_ schema: String) -> Body { Body(schema: schema, isRequired: false) }

    private static let messages: [OpenAPIOperation] = [
        OpenAPIOperation(
            method: "post", path: "/v1/messages", id: "sendMessage", tag: "messages", summary: "Send a notification",
            security: tenant, parameters: ["Idempotency-Key"], request: body("SendRequest"),
            answers: [
                (202, "Accepted and stored.", body("Message")),
                (
                    200,
                    "The key was seen before with the same content: that message. Idempotent-Replayed is true.",
                    body("Message")
                ),
            ], refusals: bodyRefusals + [409]),
        OpenAPIOperation(
            method: "get", path: "/v1/messages", id: "listMessages", tag: "messages",
            summary: "The communications log, newest first", security: tenant, parameters: filters,
            answers: [(200, "A page.", body("MessageList"))], refusals: [400, 401, 403, 503]),
        OpenAPIOperation(
            method: "post", path: "/v1/messages/batch", id: "sendBatch", tag: "messages",
            summary: "Send up to 1000 notifications, each standing alone", security: tenant,
            request: body("BatchRequest"),
            answers: [(202, "What became of each.", body("BatchResult"))], refusals: bodyRefusals),
        OpenAPIOperation(
            method: "get", path: "/v1/messages/{id}", id: "getMessage", tag: "messages", summary: "One message",
            security: tenant, parameters: ["path.id"], answers: [(200, "The message.", body("Message"))],
            refusals: [400, 401, 403, 404, 503]),
        OpenAPIOperation(
            method: "get", path: "/v1/messages/{id}/events", id: "getTimeline", tag: "messages",
            summary: "Everything that happened to a message, oldest first", security: tenant, parameters: ["path.id"],
            answers: [(200, "The timeline.", body("Timeline"))], refusals: [400, 401, 403, 404, 503]),
        OpenAPIOperation(
            method: "post", path: "/v1/messages/{id}/cancel", id: "cancelMessage", tag: "messages",
            summary: "Cancel a message that is not being sent yet", security: tenant, parameters: ["path.id"],
            answers: [(200, "The cancelled message.", body("Message"))], refusals: [400, 401, 403, 404, 409, 503]),
    ]

    private static let deadLetters: [OpenAPIOperation] = [
        OpenAPIOperation(
            method: "get", path: "/v1/dead-letters", id: "listDeadLetters", tag: "dead letters",
            summary: "Messages that were given up, newest first", security: tenant, parameters: filters,
            answers: [(200, "A page.", body("DeadLetterList"))], refusals: [400, 401, 403, 503]),
        OpenAPIOperation(
            method: "get", path: "/v1/dead-letters/{id}", id: "getDeadLetter", tag: "dead letters",
            summary: "One dead letter with its attempts", security: tenant, parameters: ["path.id"],
            answers: [(200, "The dead letter.", body("DeadLetter"))], refusals: [400, 401, 403, 404, 503]),
        OpenAPIOperation(
            method: "delete", path: "/v1/dead-letters/{id}", id: "discardDeadLetter", tag: "dead letters",
            summary: "Take it out of the queue; the log keeps the failed message", security: tenant,
            parameters: ["path.id"], answers: [(204, "Gone from the queue.", nil)],
            refusals: [400, 401, 403, 404, 503]),
        OpenAPIOperation(
            method: "post", path: "/v1/dead-letters/{id}/replay", id: "replayDeadLetter", tag: "dead letters",
            summary: "Queue it again under its own id, corrected if asked", security: tenant, parameters: ["path.id"],
            request: optionalBody("ReplayRequest"), answers: [(202, "Queued again.", body("Message"))],
            refusals: bodyRefusals + [404, 409]),
    ]

    private static let statistics: [OpenAPIOperation] = [
        OpenAPIOperation(
            method: "get", path: "/v1/stats", id: "getStatistics", tag: "statistics",
            summary: "Counts by status, and each channel's backlog and rate", security: tenant,
            answers: [(200, "The numbers.", body("Statistics"))], refusals: [400, 401, 403, 503]),
        OpenAPIOperation(
            method: "get", path: "/v1/events", id: "streamEvents", tag: "statistics",
            summary: "Status changes as they happen: `event: status`, `data:` the message", security: tenant,
            answers: [
                (200, "A stream without end.", Body(schema: "EventStream", contentType: "text/event-stream"))
            ], refusals: [400, 401, 403, 503]),
    ]

    private static let channels: [OpenAPIOperation] = [
        OpenAPIOperation(
            method: "post", path: "/v1/channels", id: "createChannel", tag: "channels", summary: "Create a channel",
            security: either, request: body("ChannelCreate"), answers: [(201, "The channel.", body("Channel"))],
            refusals: bodyRefusals + [409]),
        OpenAPIOperation(
            method: "get", path: "/v1/channels", id: "listChannels", tag: "channels",
            summary: "The tenant's channels, or all for the operator", security: either,
            parameters: page + ["query.tenant"], answers: [(200, "A page.", body("ChannelList"))],
            refusals: [400, 401, 503]),
        OpenAPIOperation(
            method: "get", path: "/v1/channels/{id}", id: "getChannel", tag: "channels", summary: "One channel",
            security: either, parameters: ["path.id"], answers: [(200, "The channel.", body("Channel"))],
            refusals: [400, 401, 404, 503]),
        OpenAPIOperation(
            method: "patch", path: "/v1/channels/{id}", id: "updateChannel", tag: "channels",
            summary: "Change a channel; credentials are merged, and an unauthorized channel goes back into service",
            security: either, parameters: ["path.id"], request: body("ChannelChange"),
            answers: [(200, "The channel.", body("Channel"))], refusals: [400, 401, 404, 409, 413, 415, 422, 503]),
        OpenAPIOperation(
            method: "delete", path: "/v1/channels/{id}", id: "deleteChannel", tag: "channels",
            summary: "Delete a channel; its waiting messages fail", security: either, parameters: ["path.id"],
            answers: [(204, "Gone.", nil)], refusals: [400, 401, 404, 503]),
    ]

    private static let sessions: [OpenAPIOperation] = [
        session("post", "pause", "pauseChannel", "Hold its messages", answer: "Channel", refusals: []),
        session("post", "resume", "resumeChannel", "Send again", answer: "Channel", refusals: []),
        session("post", "connect", "connectChannel", "Start the session", answer: "Session", refusals: [409, 502]),
        session("post", "disconnect", "disconnectChannel", "End the session", answer: "Session", refusals: [409, 502]),
        session(
            "get", "qr", "getChannelCode", "The code that links the phone", answer: "Session", refusals: [409, 502]),
    ]

    private static func session(
        _ method: String, _ command: String, _ id: String, _ summary: String, answer: String, refusals: [Int]
    ) -> OpenAPIOperation {
        OpenAPIOperation(
            method: method, path: "/v1/channels/{id}/\(command)", id: id, tag: "channels", summary: summary,
            security: either, parameters: ["path.id"], answers: [(200, "Done.", body(answer))],
            refusals: [400, 401, 404, 503] + refusals)
    }

    private static let tenants: [OpenAPIOperation] = [
        OpenAPIOperation(
            method: "post", path: "/v1/tenants", id: "createTenant", tag: "tenants", summary: "Create a tenant",
            security: administrator, request: body("TenantCreate"), answers: [(201, "The tenant.", body("Tenant"))],
            refusals: bodyRefusals),
        OpenAPIOperation(
            method: "get", path: "/v1/tenants", id: "listTenants", tag: "tenants", summary: "All tenants",
            security: administrator, parameters: page, answers: [(200, "A page.", body("TenantList"))],
            refusals: [400, 401, 403, 503]),
        OpenAPIOperation(
            method: "get", path: "/v1/tenants/{id}", id: "getTenant", tag: "tenants", summary: "One tenant",
            security: administrator, parameters: ["path.id"], answers: [(200, "The tenant.", body("Tenant"))],
            refusals: [400, 401, 403, 404, 503]),
        OpenAPIOperation(
            method: "patch", path: "/v1/tenants/{id}", id: "updateTenant", tag: "tenants",
            summary: "Change its name or limits", security: administrator, parameters: ["path.id"],
            request: body("TenantChange"), answers: [(200, "The tenant.", body("Tenant"))],
            refusals: bodyRefusals + [404]),
        OpenAPIOperation(
            method: "delete", path: "/v1/tenants/{id}", id: "deleteTenant", tag: "tenants",
            summary: "Delete a tenant with all it has", security: administrator, parameters: ["path.id"],
            answers: [(204, "Gone.", nil)], refusals: [400, 401, 403, 404, 503]),
    ]

    private static let keys: [OpenAPIOperation] = [
        OpenAPIOperation(
            method: "post", path: "/v1/tenants/{id}/keys", id: "createKey", tag: "tenants",
            summary: "Make a key; it is shown this once", security: administrator, parameters: ["path.id"],
            request: optionalBody("KeyCreate"), answers: [(201, "The key.", body("KeyCreated"))],
            refusals: bodyRefusals + [404]),
        OpenAPIOperation(
            method: "get", path: "/v1/tenants/{id}/keys", id: "listKeys", tag: "tenants", summary: "A tenant's keys",
            security: administrator, parameters: ["path.id"] + page, answers: [(200, "A page.", body("KeyList"))],
            refusals: [400, 401, 403, 404, 503]),
        OpenAPIOperation(
            method: "delete", path: "/v1/tenants/{id}/keys/{key_id}", id: "revokeKey", tag: "tenants",
            summary: "Revoke a key, at once", security: administrator, parameters: ["path.id", "path.key_id"],
            answers: [(204, "Revoked.", nil)], refusals: [400, 401, 403, 404, 503]),
    ]

    private static let webhooks: [OpenAPIOperation] = [
        OpenAPIOperation(
            method: "post", path: WebhookRoutes.template, id: "receiveWebhook", tag: "webhooks",
            summary: "A provider's report; the proof of origin is the provider's own", security: [],
            parameters: ["path.channel_id", "path.token"],
            request: Body(schema: "Anything", contentType: "*/*"),
            answers: [(200, "Stored.", body("Empty"))], refusals: [401, 404, 413, 503]),
        OpenAPIOperation(
            method: "get", path: WebhookRoutes.template, id: "verifyWebhook", tag: "webhooks",
            summary: "A provider's verification handshake", security: [],
            parameters: ["path.channel_id", "path.token"],
            answers: [(200, "The text it asks for.", Body(schema: "Text", contentType: "text/plain"))],
            refusals: [404]),
    ]

    private static let service: [OpenAPIOperation] = [
        OpenAPIOperation(
            method: "get", path: "/health/live", id: "getLive", tag: "service", summary: "Does the process live?",
            security: [], answers: [(200, "It does.", body("Live"))]),
        OpenAPIOperation(
            method: "get", path: "/health/ready", id: "getReady", tag: "service", summary: "Can it do its work?",
            security: [],
            answers: [(200, "It can.", body("Ready")), (503, "It cannot; the checks say why.", body("Ready"))]),
        OpenAPIOperation(
            method: "get", path: "/metrics", id: "getMetrics", tag: "service",
            summary: "Prometheus text exposition format 0.0.4", security: scraper,
            answers: [(200, "The metrics.", Body(schema: "Text", contentType: "text/plain"))], refusals: [401]),
        OpenAPIOperation(
            method: "get", path: "/openapi.json", id: "getDescription", tag: "service", summary: "This description",
            security: [], answers: [(200, "The description.", body("Anything"))]),
    ]
}
