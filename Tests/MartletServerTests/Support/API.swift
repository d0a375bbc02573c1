import Hummingbird
import HummingbirdTesting
import Martlet
import Testing

/// Calls a server and reads its answers strictly.
struct API: Sendable {
    let client: any TestClientProtocol

    struct Answer: Sendable {
        var status: Int
        var headers: HTTPFields
        var body: String

        /// The body as JSON.
        var json: JSONValue { (try? JSONParser.value(body)) ?? .null }
        var contentType: String { headers[.contentType] ?? "" }

        subscript(_ name: String) -> JSONValue? { json[name] }
        func text(_ name: String) -> String { json[name]?.stringValue ?? "" }
        /// The pointers of a problem's errors, in order.
        var pointers: [String] { (json["errors"]?.arrayValue ?? []).compactMap { $0["pointer"]?.stringValue } }
        /// The ids of a list.
        var ids: [String] { (json["data"]?.arrayValue ?? []).compactMap { $0["id"]?.stringValue } }
    }

    func send(
        _ method: HTTPRequest.Method, _ path: String, key: String? = nil, raw: [UInt8]? = nil,
        headers: HTTPFields = [:]
    ) async throws -> Answer {
        var headers = headers
        if let key { headers[.authorization] = "Bearer \(key)" }
        if raw != nil, headers[.contentType] == nil { headers[.contentType] = "application/json" }
        let response = try await client.executeRequest(
            uri: path, method: method, headers: headers, body: raw.map { ByteBuffer(bytes: $0) })
        return Answer(
            status: response.status.code, headers: response.headers, body: String(buffer: response.body))
    }

    func get(_ path: String, key: String? = nil) async throws -> Answer { try await send(.get, path, key: key) }

    func delete(_ path: String, key: String? = nil) async throws -> Answer { try await send(.delete, path, key: key) }

    func post(
        _ path: String, key: String? = nil, _ body: JSONValue? = nil, headers: HTTPFields = [:]
    ) async throws -> Answer {
        try await send(.post, path, key: key, raw: body?.encoded(), headers: headers)
    }

    func patch(_ path: String, key: String? = nil, _ body: JSONValue) async throws -> Answer {
        try await send(.patch, path, key: key, raw: body.encoded())
    }
}

/// Expects a problem document of that status.
func expectProblem(
    _ answer: API.Answer, _ status: Int, pointers: [String]? = nil, sourceLocation: SourceLocation = #_sourceLocation
) {
    #expect(answer.status == status, "\(answer.body)", sourceLocation: sourceLocation)
    #expect(answer.contentType == "application/problem+json", sourceLocation: sourceLocation)
    #expect(answer["status"] == .integer(Int64(status)), sourceLocation: sourceLocation)
    #expect(answer.text("type").hasPrefix("urn:martlet:problem:"), sourceLocation: sourceLocation)
    #expect(!answer.text("title").isEmpty, sourceLocation: sourceLocation)
    #expect(!answer.text("detail").isEmpty, sourceLocation: sourceLocation)
    if let pointers { #expect(answer.pointers == pointers, "\(answer.body)", sourceLocation: sourceLocation) }
}
