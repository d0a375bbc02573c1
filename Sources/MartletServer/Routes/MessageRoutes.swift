import HTTPTypes
import Hummingbird
import Martlet

/// Sends, the communications log, timelines, cancels.
struct MessageRoutes: Sendable {
    let gateway: Gateway
    let rendering: MessageRendering
    private let metrics = PipelineMetrics()

    init(gateway: Gateway) {
        self.gateway = gateway
        rendering = MessageRendering(directory: gateway.directory, time: gateway.time)
    }

    /// What is served.
    var routes: [Route] {
        [
            .post("/v1/messages", .tenant, send),
            .get("/v1/messages", .tenant, list),
            .post("/v1/messages/batch", .tenant, sendBatch),
            .get("/v1/messages/{id}", .tenant, show),
            .get("/v1/messages/{id}/events", .tenant, timeline),
            .post("/v1/messages/{id}/cancel", .tenant, cancel),
        ]
    }

    /// Does the same as the field `idempotency_key`.
    static let idempotencyKey = HTTPField.Name("Idempotency-Key")!
    /// `true` on the answer that repeats an earlier one.
    static let idempotentReplayed = HTTPField.Name("Idempotent-Replayed")!

    private func send(_ exchange: Exchange) async throws -> Response {
        let tenant = try exchange.tenant
        try exchange.refuseQuery()
        let document = try await exchange.request.jsonDocument()
        let draft: MessageDraft
        switch MessageDraft.read(
            document.value, headerKey: exchange.request.headers[Self.idempotencyKey], now: gateway.time.now())
        {
        case .success(let read):
            guard document.stringErrors.isEmpty else { throw Problem.invalid(document.stringErrors) }
            draft = read
        case .failure(let failure): throw Problem.invalid(Self.merged(document.stringErrors, failure.errors))
        }
        let result: AcceptanceResult
        do throws(AcceptanceError) {
            result = try await gateway.acceptance.accept(draft, tenant: tenant)
        } catch {
            switch error {
            case .invalid(let errors): throw Problem.invalid(errors)
            case .store(let failure): throw Problem.sendFailure(failure)
            }
        }
        switch result {
        case .accepted(let message): return .json(bytes: rendering.bytes(message), status: .accepted)
        case .replayed(let message):
            return .json(bytes: rendering.bytes(message), headers: [Self.idempotentReplayed: "true"])
        case .conflict(let id): throw Problem.idempotencyConflict(id)
        }
    }

    /// What is wrong with strings first, then everything else about other fields.
    private static func merged(_ first: [FieldError], _ second: [FieldError]) -> [FieldError] {
        let named = Set(first.map(\.pointer))
        return first + second.filter { !named.contains($0.pointer) }
    }

    private func list(_ exchange: Exchange) async throws -> Response {
        let page = try await MessageListing(gateway: gateway).page(for: exchange, deadLettersOnly: false)
        var output: [UInt8] = Array("{\"data\":[".utf8)
        for (index, message) in page.messages.enumerated() {
            if index > 0 { output.append(UInt8(ascii: ",")) }
            rendering.write(message, to: &output)
        }
        page.writeEnd(to: &output)
        return .json(bytes: output)
    }

    private func show(_ exchange: Exchange) async throws -> Response {
        .json(bytes: rendering.bytes(try await message(exchange)))
    }

    private func timeline(_ exchange: Exchange) async throws -> Response {
        let message = try await message(exchange)
        let events = try await gateway.store.timeline(message.id)
        return .json(["data": .array(events.map(TimelineRendering.value))])
    }

    private func cancel(_ exchange: Exchange) async throws -> Response {
        let id: MessageID = try exchange.identifier("id")
        try exchange.refuseQuery()
        switch try await gateway.store.cancel(id, tenant: exchange.tenant, now: gateway.time.now()) {
        case .cancelled(let message):
            metrics.status(message.status)
            gateway.feed.publish(CollectionOfOne(message))
            return .json(bytes: rendering.bytes(message))
        case .notFound: throw Problem.notFound
        case .tooLate(let status):
            let state = status == .queued ? "being sent" : status.rawValue
            throw Problem(.conflict, "The message can no longer be cancelled: it is \(state).")
        }
    }

    private func message(_ exchange: Exchange) async throws -> Message {
        let id: MessageID = try exchange.identifier("id")
        try exchange.refuseQuery()
        guard let message = try await gateway.store.message(id, tenant: exchange.tenant) else { throw Problem.notFound }
        return message
    }
}

extension Problem {
    /// 409: the key stands for other content, in that message.
    static func idempotencyConflict(_ id: MessageID) -> Problem {
        Problem(.conflict, "The idempotency key was used before, with other content, for \(id.text).")
    }

    /// A store that refuses a send by a conflict has not met a conflict the caller can solve.
    static func sendFailure(_ error: StoreError) -> Problem { error.code == .conflict ? .failed : .store(error) }
}
