import Hummingbird
import Martlet

/// Where providers report. Nothing happens before the answer but proof of origin and a durable place in the inbox.
struct WebhookRoutes: Sendable {
    let gateway: Gateway

    /// The path of every webhook address.
    static let template = "/webhooks/{channel_id}/{token}"

    /// What is served.
    var routes: [Route] {
        [
            .post(Self.template, .anybody, receive),
            .get(Self.template, .anybody, verify),
        ]
    }

    private func receive(_ exchange: Exchange) async throws -> Response {
        let channel = exchange.parameters.get("channel_id") ?? ""
        let token = exchange.parameters.get("token") ?? ""
        guard await gateway.ingress.isAddress(channel: channel, token: token) else { throw Problem.notFound }
        let body = try await exchange.request.bodyBytes(upTo: BodyLimit.webhook)
        var headers: [String: String] = [:]
        for field in exchange.request.headers { headers[field.name.canonicalName] = field.value }
        let answer = await gateway.ingress.receive(
            channel: channel, token: token, headers: headers, body: Array(body.readableBytesView))
        switch answer {
        case .stored: return .json(bytes: Array("{}".utf8))
        case .unknownAddress: throw Problem.notFound
        case .unauthentic: throw Problem(.unauthenticated, "The proof of origin is missing or wrong.")
        case .unavailable: throw Problem.unavailable(detail: "The inbox cannot take this now; send it again.")
        }
    }

    /// The handshake's answer is the text it asks for, as it is.
    private func verify(_ exchange: Exchange) async throws -> Response {
        let text = gateway.ingress.verification(
            channel: exchange.parameters.get("channel_id") ?? "", token: exchange.parameters.get("token") ?? "",
            query: QueryReader.pairs(exchange.request.uri))
        guard let text else { throw Problem.notFound }
        return Response(
            status: .ok, headers: [.contentType: "text/plain; charset=utf-8"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }
}
