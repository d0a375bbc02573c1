import AsyncHTTPClient
import Foundation
import Martlet
import NIOCore
import NIOHTTP1

/// Sets where a provider session's webhooks go, the way one does it at WasenderApi: through its session endpoints.
struct SandboxSessionClient: Sendable {
    /// The provider's base URL.
    let base: String
    /// The session's API key.
    let key: String

    private static let timeout: TimeAmount = .seconds(10)
    private static let bodyBytesMax = 1 << 20

    /// Makes the session known and points its webhooks at that address.
    func sendWebhooks(to url: String, secret: String) async throws {
        // Using a key makes it a session of the simulated provider.
        _ = try await call(.GET, "/status", bearer: key)
        let sessions = try await call(.GET, "/whatsapp-sessions", bearer: "demo|token")["data"]?.arrayValue ?? []
        guard let id = sessions.first(where: { $0["api_key"]?.stringValue == key })?["id"]?.integerValue else {
            throw CommandFailure("the simulated provider does not know the session")
        }
        let settings: JSONValue = [
            "webhook_url": .string(url), "webhook_enabled": true, "webhook_secret": .string(secret),
        ]
        _ = try await call(.PUT, "/whatsapp-sessions/\(id)", bearer: "demo|token", body: settings)
    }

    private func call(_ method: HTTPMethod, _ path: String, bearer: String, body: JSONValue? = nil) async throws
        -> JSONValue
    {
        var request = HTTPClientRequest(url: base + path)
        request.method = method
        request.headers.add(name: "authorization", value: "Bearer \(bearer)")
        if let body {
            request.headers.add(name: "content-type", value: "application/json")
            request.body = .bytes(ByteBuffer(bytes: body.encoded()))
        }
        let response = try await HTTPClient.shared.execute(request, timeout: Self.timeout)
        let bytes = try await response.body.collect(upTo: Self.bodyBytesMax)
        guard (200...299).contains(response.status.code) else {
            throw CommandFailure("the simulated provider answers \(response.status.code) to \(method.rawValue) \(path)")
        }
        return try JSONParser.value(bytes.readableBytesView)
    }
}
