import Martlet
import MartletTestSupport
import Testing

@testable import MartletServer

@Suite struct OpenAPITests {
    private static let document = OpenAPIDocument.value(
        version: "1.2.3", url: Harness.publicURL, roles: Set(ServerConfiguration.Role.allCases), hasMetricsToken: true)
    private static let check = SchemaCheck(document: document)

    private struct Operation: Sendable {
        var method: String
        var path: String
        var value: JSONValue
        var id: String { value["operationId"]?.stringValue ?? "" }
    }

    private static let operations: [Operation] = (document["paths"]?.objectValue?.members ?? []).flatMap { path in
        (path.value.objectValue?.members ?? []).map { Operation(method: $0.name, path: path.name, value: $0.value) }
    }

    @Test func `every route is described and every description has a route`() async throws {
        let routes = try await Harness().server.table.routes.map { "\($0.method.rawValue.lowercased()) \($0.template)" }
        #expect(Set(routes).count == routes.count)
        #expect(Set(routes) == Set(Self.operations.map { "\($0.method) \($0.path)" }))
        #expect(routes.count == 39)
    }

    @Test func `what comes later is not described`() {
        for path in ["/v1/endpoints", "/v1/suppressions", "/console/"] {
            #expect(Self.document["paths"]?[path] == nil)
        }
    }

    @Test func `security says who may call, as the routes do`() async throws {
        for route in try await Harness().server.table.routes {
            let operation = try #require(
                Self.operations.first { $0.path == route.template && $0.method == route.method.rawValue.lowercased() })
            let schemes = (operation.value["security"]?.arrayValue ?? []).flatMap { $0.objectValue?.names ?? [] }
            let expected =
                switch route.access {
                case .anybody: route.template == "/metrics" ? ["metricsToken"] : []
                case .tenant: ["tenantKey"]
                case .administrator: ["adminToken"]
                case .tenantOrAdministrator: ["tenantKey", "adminToken"]
                }
            #expect(schemes == expected, "\(operation.id)")
        }
    }

    @Test func `metrics that want no token are described as open`() async throws {
        for token in [nil, "scrape-me"] {
            let harness = try await Harness { $0.metricsToken = token.map { Secret($0) } }
            try await harness.run { api in
                let security = try await api.get("/openapi.json")["paths"]?["/metrics"]?["get"]?["security"]
                #expect(security == (token == nil ? [] : [["metricsToken": []]]))
                #expect(try await api.get("/metrics").status == (token == nil ? 200 : 401))
            }
        }
    }

    @Test func `references lead somewhere, ids are unique, path parameters are declared`() {
        var references: [String] = []
        func collect(_ value: JSONValue) {
            if let reference = value["$ref"]?.stringValue { references.append(reference) }
            for member in value.objectValue?.members ?? [] { collect(member.value) }
            for element in value.arrayValue ?? [] { collect(element) }
        }
        collect(Self.document)
        #expect(references.count > 100)
        for reference in references { #expect(Self.check.target(reference) != nil, "\(reference)") }
        #expect(Set(Self.operations.map(\.id)).count == Self.operations.count)
        for operation in Self.operations {
            let declared = (operation.value["parameters"]?.arrayValue ?? []).map(Self.check.resolved)
                .filter { $0["in"] == "path" }.compactMap { $0["name"]?.stringValue }
            let used = operation.path.split(separator: "/").filter { $0.hasPrefix("{") }
                .map { String($0.dropFirst().dropLast()) }
            #expect(Set(declared) == Set(used), "\(operation.id)")
        }
    }

    @Test func `examples fit their schemas`() {
        var checked = 0
        for schema in Self.document["components"]?["schemas"]?.objectValue?.members ?? []
        where schema.value["type"] == "object" {
            for example in schema.value["examples"]?.arrayValue ?? [] {
                #expect(Self.check.problems(example, schema.value) == [], "\(schema.name)")
                checked += 1
            }
        }
        #expect(checked >= 10)
    }

    @Test func `examples of requests are taken by the server`() async throws {
        let harness = try await Harness()
        try await harness.run { api in
            func example(_ schema: String) -> JSONValue {
                Self.document["components"]?["schemas"]?[schema]?["examples"]?.arrayValue?.first ?? .null
            }
            #expect(try await api.post("/v1/messages", key: harness.a.key, example("SendRequest")).status == 202)
            let batch = try await api.post("/v1/messages/batch", key: harness.a.key, example("BatchRequest"))
            #expect(batch["results"]?.arrayValue?.map { $0["status"] } == [202])
            #expect(try await api.post("/v1/tenants", key: Harness.adminToken, example("TenantCreate")).status == 201)
            let tenant = "/v1/tenants/\(harness.a.tenant.id)"
            #expect(try await api.patch(tenant, key: Harness.adminToken, example("TenantChange")).status == 200)
            #expect(try await api.post("\(tenant)/keys", key: Harness.adminToken, example("KeyCreate")).status == 201)
            let dead = try await harness.deadLetter(api)
            let replay = try await api.post(
                "/v1/dead-letters/\(dead)/replay", key: harness.a.key, example("ReplayRequest"))
            #expect(replay.status == 202)
            let bulk = try await api.post("/v1/replays", key: harness.a.key, example("BulkReplayRequest"))
            #expect(bulk.status == 202)
        }
    }

    @Test func `real answers of every operation fit the description`() async throws {
        let harness = try await Harness()
        try await harness.run { api in
            let answers = try await Scenario(harness: harness, api: api).run()
            // A stream without end is looked at elsewhere.
            #expect(Set(answers.keys) == Set(Self.operations.map(\.id)).subtracting(["streamEvents"]))
            for operation in Self.operations {
                guard let answer = answers[operation.id] else { continue }
                let response = try #require(
                    operation.value["responses"]?[String(answer.status)],
                    "\(operation.id): \(answer.status) \(answer.body)")
                #expect((200..<300).contains(answer.status), "\(operation.id)")
                guard let content = response["content"]?.objectValue?.members.first else {
                    #expect(answer.body.isEmpty, "\(operation.id)")
                    continue
                }
                #expect(answer.contentType.hasPrefix(content.name), "\(operation.id)")
                guard content.name == "application/json" else { continue }
                let schema = try #require(content.value["schema"])
                #expect(Self.check.problems(answer.json, schema) == [], "\(operation.id)")
            }
            let problem: JSONValue = ["$ref": "#/components/schemas/Problem"]
            for answer in [
                try await api.get("/nowhere"), try await api.post("/v1/messages", key: harness.a.key, [:]),
                try await api.get("/v1/messages"),
            ] {
                #expect(Self.check.problems(answer.json, problem) == [])
            }
        }
    }

    @Test func `the description says where the server is and which version it has`() async throws {
        let harness = try await Harness()
        try await harness.run { api in
            let answer = try await api.get("/openapi.json")
            #expect(answer["openapi"] == "3.1.0")
            #expect(answer["info"]?["version"] == "1.2.3")
            #expect(answer["servers"] == [["url": .string(Harness.publicURL)]])
        }
    }

    @Test func `a process without a role neither serves nor describes it`() async throws {
        let webhooksOnly = try await Harness { $0.roles = [.webhooks] }
        try await webhooksOnly.run { api in
            expectProblem(try await api.get("/v1/messages", key: webhooksOnly.a.key), 404)
            let paths = try #require(try await api.get("/openapi.json")["paths"]?.objectValue?.names)
            #expect(
                paths == [
                    "/webhooks/{channel_id}/{token}", "/health/live", "/health/ready", "/metrics", "/openapi.json",
                ])
        }
        let apiOnly = try await Harness { $0.roles = [.api] }
        try await apiOnly.run { api in
            let url = "/webhooks/\(apiOnly.a.channel.id)/\(apiOnly.a.channel.webhookToken)"
            expectProblem(try await api.post(url, [:]), 404)
            #expect(try await api.get("/v1/messages", key: apiOnly.a.key).status == 200)
        }
    }
}
