import AsyncHTTPClient
import Foundation
import Logging
import MartletSandbox
import NIOCore
import NIOHTTP1
import ServiceLifecycle
import Testing

/// A sandbox that listens, and a client for it.
struct RunningSandbox: Sendable {
    let sandbox: Sandbox
    let port: Int

    var base: String { "http://127.0.0.1:\(port)" }

    /// What came back.
    struct Answer: Sendable {
        let status: Int
        let headers: HTTPHeaders
        let text: String

        /// The members of the body; empty when it is no JSON object.
        var fields: [String: JSONValue] { JSONValue.parseObject(Array(text.utf8)) ?? [:] }

        /// The members of `data`.
        var data: [String: JSONValue] { fields["data"]?.object ?? [:] }

        var message: String? { fields["message"]?.string }
    }

    /// Makes a request.
    ///
    /// - Parameters:
    ///   - key: the bearer token; none without it.
    ///   - body: the body as text.
    func call(
        _ method: HTTPMethod, _ path: String, key: String? = "key", body: String? = nil,
        contentType: String = "application/json", timeout: TimeAmount = .seconds(10)
    ) async throws -> Answer {
        var request = HTTPClientRequest(url: base + path)
        request.method = method
        if let key { request.headers.add(name: "Authorization", value: "Bearer \(key)") }
        if let body {
            request.headers.add(name: "Content-Type", value: contentType)
            request.body = .bytes(ByteBuffer(string: body))
        }
        let response = try await HTTPClient.shared.execute(request, timeout: timeout)
        let text = String(buffer: try await response.body.collect(upTo: 64 << 20))
        return Answer(status: Int(response.status.code), headers: response.headers, text: text)
    }

    /// Sends a text.
    func send(
        to: String = "+12025550123", text: String = "Hello", key: String? = "key", timeout: TimeAmount = .seconds(10)
    ) async throws -> Answer {
        try await call(
            .POST, "/api/send-message", key: key, body: #"{"to":"\#(to)","text":"\#(text)"}"#, timeout: timeout)
    }

    /// Begins a fault over HTTP, and fails the test when it is refused.
    @discardableResult
    func fault(_ json: String) async throws -> Int {
        let answer = try await call(.POST, "/_sandbox/faults", key: nil, body: json)
        #expect(answer.status == 200, "\(answer.text)")
        return try #require(answer.fields["id"]?.integer)
    }
}

/// Runs a sandbox on a free port without latency while the body runs.
func withSandbox<Result: Sendable>(
    _ configure: @Sendable (inout SandboxConfiguration) -> Void = { _ in },
    _ body: @Sendable (RunningSandbox) async throws -> Result
) async throws -> Result {
    var configuration = SandboxConfiguration()
    configuration.latency = .zero
    configuration.acknowledgements.sent = .milliseconds(20)
    configuration.acknowledgements.delivered = .milliseconds(40)
    configuration.acknowledgements.read = .milliseconds(60)
    configuration.infoDelay = .zero
    configure(&configuration)
    let (ports, continuation) = AsyncStream.makeStream(of: Int.self)
    let logger = Logger(label: "sandbox")
    let sandbox = Sandbox(configuration: configuration, logger: logger) { continuation.yield($0) }
    return try await withThrowingTaskGroup(of: Void.self) { group in
        let services = ServiceGroup(services: [sandbox], logger: logger)
        group.addTask {
            defer { continuation.finish() }
            try await services.run()
        }
        defer { group.cancelAll() }
        var iterator = ports.makeAsyncIterator()
        let port = try #require(await iterator.next(), "the sandbox did not start")
        let result = try await body(RunningSandbox(sandbox: sandbox, port: port))
        await services.triggerGracefulShutdown()
        try await group.waitForAll()
        return result
    }
}

/// Polls until a condition holds, ten seconds at most.
///
/// - Returns: whether it came to hold.
func eventually(_ condition: @Sendable () async throws -> Bool) async throws -> Bool {
    let deadline = ContinuousClock.now + .seconds(10)
    while ContinuousClock.now < deadline {
        if try await condition() { return true }
        try await Task.sleep(for: .milliseconds(5))
    }
    return try await condition()
}
