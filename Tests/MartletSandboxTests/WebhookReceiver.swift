import HTTPTypes
import Hummingbird
import Logging
import MartletSandbox
import NIOCore
import Synchronization
import Testing

/// A small server that keeps the webhooks it gets.
final class WebhookReceiver: Sendable {
    /// One webhook.
    struct Webhook: Sendable {
        let path: String
        let signature: String?
        let text: String
        /// What it was answered.
        let answered: Int

        var fields: [String: JSONValue] { JSONValue.parseObject(Array(text.utf8)) ?? [:] }
        var event: String { fields["event"]?.string ?? "" }
        var data: [String: JSONValue] { fields["data"]?.object ?? [:] }
        /// The acknowledgement of a `messages.update` in its usual shape.
        var status: Int? { data["update"]?.object?["status"]?.integer }
        /// WhatsApp's id in the usual shapes.
        var keyID: String? { data["key"]?.object?["id"]?.string }
    }

    private struct State: Sendable {
        var port = 0
        var webhooks: [Webhook] = []
        var answers: [Int] = []
    }

    private let state = Mutex(State())

    private init() {}

    var url: String { "http://127.0.0.1:\(state.withLock(\.port))/hook" }

    /// Everything received, in order.
    var webhooks: [Webhook] { state.withLock(\.webhooks) }

    /// What was received of one event, in order.
    func webhooks(of event: String) -> [Webhook] { webhooks.filter { $0.event == event } }

    /// The acknowledgements received, in order.
    var statuses: [Int] { webhooks(of: "messages.update").compactMap(\.status) }

    /// Answers the next webhooks with these statuses, the further ones with 200.
    func answerNext(_ statuses: [Int]) { state.withLock { $0.answers = statuses } }

    private func take(path: String, signature: String?, text: String) -> Int {
        state.withLock { state in
            let status = state.answers.isEmpty ? 200 : state.answers.removeFirst()
            state.webhooks.append(Webhook(path: path, signature: signature, text: text, answered: status))
            return status
        }
    }

    /// Runs a receiver on a free port while the body runs.
    static func running<Result: Sendable>(
        _ body: @Sendable (WebhookReceiver) async throws -> Result
    ) async throws -> Result {
        let (ports, continuation) = AsyncStream.makeStream(of: Int.self)
        let receiver = WebhookReceiver()
        let router = Router()
        router.post("**") { request, _ -> HTTPResponse.Status in
            let body = try await request.body.collect(upTo: 1 << 20)
            let name = try #require(HTTPField.Name("X-Webhook-Signature"))
            return HTTPResponse.Status(
                code: receiver.take(
                    path: request.uri.path, signature: request.headers[name], text: String(buffer: body)))
        }
        var logger = Logger(label: "receiver")
        logger.logLevel = .critical
        let application = Application(
            router: router, configuration: .init(address: .hostname("127.0.0.1", port: 0)),
            onServerRunning: { continuation.yield($0.localAddress?.port ?? 0) }, logger: logger)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await application.run() }
            defer { group.cancelAll() }
            var iterator = ports.makeAsyncIterator()
            let port = try #require(await iterator.next())
            receiver.state.withLock { $0.port = port }
            return try await body(receiver)
        }
    }
}
