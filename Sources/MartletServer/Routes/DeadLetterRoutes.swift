import Hummingbird
import Martlet

/// The dead-letter queue: look, replay one, let one go.
struct DeadLetterRoutes: Sendable {
    let gateway: Gateway
    let rendering: MessageRendering

    init(gateway: Gateway) {
        self.gateway = gateway
        rendering = MessageRendering(directory: gateway.directory, time: gateway.time)
    }

    /// What is served.
    var routes: [Route] {
        [
            .get("/v1/dead-letters", .tenant, list),
            .get("/v1/dead-letters/{id}", .tenant, show),
            .delete("/v1/dead-letters/{id}", .tenant, discard),
            .post("/v1/dead-letters/{id}/replay", .tenant, replay),
        ]
    }

    private func list(_ exchange: Exchange) async throws -> Response {
        let page = try await MessageListing(gateway: gateway).page(for: exchange, deadLettersOnly: true)
        var output: [UInt8] = Array("{\"data\":[".utf8)
        for (index, message) in page.messages.enumerated() {
            if index > 0 { output.append(UInt8(ascii: ",")) }
            let timeline = try await gateway.store.timeline(message.id)
            rendering.write(deadLetter: message, timeline: timeline, to: &output)
        }
        page.writeEnd(to: &output)
        return .json(bytes: output)
    }

    private func show(_ exchange: Exchange) async throws -> Response {
        let message = try await deadLetter(exchange)
        let timeline = try await gateway.store.timeline(message.id)
        var output: [UInt8] = []
        rendering.write(deadLetter: message, timeline: timeline, to: &output)
        return .json(bytes: output)
    }

    private func discard(_ exchange: Exchange) async throws -> Response {
        let id: MessageID = try exchange.identifier("id")
        try exchange.refuseQuery()
        guard try await gateway.store.discard(id, tenant: exchange.tenant, now: gateway.time.now()) else {
            throw Problem.notFound
        }
        return .noContent
    }

    private func replay(_ exchange: Exchange) async throws -> Response {
        let message = try await deadLetter(exchange)
        let body = try await exchange.request.json(emptyMeans: .object([:]))
        guard let channel = gateway.directory.channel(message.channelID) else {
            throw Problem(.conflict, "The message's channel was deleted, so there is nothing to send it over.")
        }
        let now = gateway.time.now()
        let correction: Correction
        switch Correction.read(body, of: message, provider: gateway.directory.providers[channel.provider], now: now) {
        case .success(let read): correction = read
        case .failure(let failure): throw Problem.invalid(failure.errors)
        }
        switch try await gateway.store.replay(message.id, tenant: exchange.tenant, correction: correction, now: now) {
        case .notFound: throw Problem.notFound
        case .replayed(let replayed):
            gateway.feed.publish(CollectionOfOne(replayed))
            gateway.wake(replayed.channelID, replayed.job?.dueAt ?? now)
            return .json(bytes: rendering.bytes(replayed), status: .accepted)
        }
    }

    private func deadLetter(_ exchange: Exchange) async throws -> Message {
        let id: MessageID = try exchange.identifier("id")
        try exchange.refuseQuery()
        guard let message = try await gateway.store.message(id, tenant: exchange.tenant), message.deadLetteredAt != nil
        else { throw Problem.notFound }
        return message
    }
}
