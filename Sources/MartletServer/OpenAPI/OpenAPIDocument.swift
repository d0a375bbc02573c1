import Martlet

/// The OpenAPI 3.1 description of what this server answers to. A test holds it against the routes, both ways, and
/// against real answers.
enum OpenAPIDocument {
    /// - Parameters:
    ///   - version: the program's.
    ///   - url: how the outside reaches the server.
    ///   - roles: what the process does; the description lists no more.
    ///   - hasMetricsToken: whether the metrics want a token; without one they are open.
    static func value(
        version: String, url: String, roles: Set<ServerConfiguration.Role>, hasMetricsToken: Bool
    ) -> JSONValue {
        var paths = JSONObject()
        for var operation in OpenAPIOperation.all where isServed(operation.path, by: roles) {
            if operation.security == OpenAPIOperation.scraper, !hasMetricsToken { operation.security = [] }
            var item = paths[operation.path]?.objectValue ?? JSONObject()
            item[operation.method] = operation.value
            paths[operation.path] = .object(item)
        }
        return .object([
            "openapi": "3.1.0",
            "info": [
                "title": "Martlet", "version": .string(version),
                "description": .string(description),
                "license": ["name": "Apache-2.0", "identifier": "Apache-2.0"],
            ],
            "servers": [["url": .string(url)]],
            "tags": .array(tags.map { ["name": .string($0.name), "description": .string($0.description)] }),
            "paths": .object(paths),
            "components": .object([
                "securitySchemes": [
                    "tenantKey": [
                        "type": "http", "scheme": "bearer",
                        "description": "A tenant's key (mk_…). It reaches that tenant alone.",
                    ],
                    "adminToken": [
                        "type": "http", "scheme": "bearer",
                        "description": "The operator's token. It reaches tenants, keys and channels.",
                    ],
                    "metricsToken": [
                        "type": "http", "scheme": "bearer",
                        "description": "The scraper's token, where one is configured.",
                    ],
                ],
                "parameters": .object(OpenAPIParameter.components),
                "responses": .object(OpenAPIResponse.components),
                "headers": [
                    "RetryAfter": [
                        "description": "Seconds after which the same request may succeed.",
                        "schema": ["type": "integer"],
                    ]
                ],
                "schemas": .object(OpenAPISchemas.all),
            ]),
        ])
    }

    private static func isServed(_ path: String, by roles: Set<ServerConfiguration.Role>) -> Bool {
        if path.hasPrefix("/v1/") { return roles.contains(.api) }
        if path.hasPrefix("/webhooks/") { return roles.contains(.webhooks) }
        return true
    }

    private static let description = """
        A gateway that takes notifications and gets each one to WhatsApp exactly as often as it should: once. \
        A request that was not answered 2xx has left nothing behind. Errors are RFC 9457 problem documents. \
        Timestamps are RFC 3339 in UTC with milliseconds; phone numbers are in E.164.
        """

    private static let tags: [(name: String, description: String)] = [
        ("messages", "Sends, and what became of them."),
        ("dead letters", "Messages that were given up: look, correct, replay, discard."),
        ("channels", "WhatsApp numbers at their providers, and the sessions behind them."),
        ("tenants", "Customers and their keys; for the operator."),
        ("statistics", "A tenant's numbers, and status changes as they happen."),
        ("webhooks", "Where providers report."),
        ("service", "Health, metrics and this description."),
    ]
}

/// Parameters that several operations share.
enum OpenAPIParameter {
    /// By the names that operations refer to.
    static let components: JSONObject = {
        var components = JSONObject()
        for (name, place, description, schema) in all {
            components[name] = .object([
                "name": .string(name == "Idempotency-Key" ? name : name.components(after: ".")), "in": .string(place),
                "required": .bool(place == "path"), "description": .string(description), "schema": schema,
            ])
        }
        return components
    }()

    private static let text: JSONValue = ["type": "string", "minLength": 1, "maxLength": 255]
    private static let timestamp: JSONValue = ["type": "string", "format": "date-time"]

    private static let all: [(name: String, place: String, description: String, schema: JSONValue)] = [
        ("path.id", "path", "The id of the thing.", ["type": "string"]),
        ("path.key_id", "path", "The id of the key.", ["type": "string"]),
        ("path.channel_id", "path", "The id of the channel.", ["type": "string"]),
        ("path.token", "path", "The part of a channel's webhook_url that cannot be guessed.", ["type": "string"]),
        (
            "Idempotency-Key", "header", "Does the same as the field idempotency_key.",
            ["type": "string", "minLength": 1, "maxLength": 255]
        ),
        (
            "query.recipient", "query", "Only messages to this number.",
            ["$ref": "#/components/schemas/PhoneNumber"]
        ),
        (
            "query.message_id", "query",
            "Only the message with this provider id: what webhooks call it, or the submission id.", text
        ),
        (
            "query.status", "query", "Only messages with this status.",
            ["type": "string", "enum": ["queued", "sent", "delivered", "read", "failed"]]
        ),
        ("query.channel", "query", "Only messages over this channel, by name or id.", text),
        ("query.since", "query", "Only messages created at or after.", timestamp),
        ("query.until", "query", "Only messages created before.", timestamp),
        ("query.tenant", "query", "Only channels of this tenant; for the admin token.", text),
        (
            "query.limit", "query", "Elements on a page.",
            ["type": "integer", "minimum": 1, "maximum": 200, "default": 50]
        ),
        ("query.cursor", "query", "The next_cursor of the page before.", text),
    ]
}

extension String {
    /// What stands behind the first separator, or the whole text.
    fileprivate func components(after separator: Character) -> String {
        firstIndex(of: separator).map { String(self[index(after: $0)...]) } ?? self
    }
}

/// Answers that several operations share: one for each kind of refusal.
enum OpenAPIResponse {
    /// By the names that operations refer to.
    static let components: JSONObject = {
        var components = JSONObject()
        for (status, description) in refusals {
            var response: JSONObject = [
                "description": .string(description),
                "content": ["application/problem+json": ["schema": ["$ref": "#/components/schemas/Problem"]]],
            ]
            if status == 503 { response["headers"] = ["Retry-After": ["$ref": "#/components/headers/RetryAfter"]] }
            components["refusal.\(status)"] = .object(response)
        }
        return components
    }()

    private static let refusals: [(status: Int, description: String)] = [
        (400, "Malformed: not JSON, not UTF-8, or a bad query parameter."),
        (401, "No valid key."),
        (403, "A key of the wrong sort."),
        (404, "There is no such thing, or it is another tenant's."),
        (409, "It does not fit the present state, or an idempotency key was used with other content."),
        (413, "The body is too large."),
        (415, "The body is not JSON."),
        (422, "Understood but invalid; errors names each field."),
        (502, "The provider did not do it."),
        (503, "The server cannot take this now. Nothing was stored."),
    ]
}
