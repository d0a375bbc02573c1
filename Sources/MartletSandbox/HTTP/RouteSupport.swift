import HTTPTypes
import Hummingbird
import NIOCore

/// What the routes of a wire format have in common: who asks, what faults do to it, how an answer leaves.
protocol SandboxRoutes: Sendable {
    /// What decides.
    var core: SandboxCore { get }
}

extension SandboxRoutes {
    /// The bearer token of a request.
    func bearerToken(of request: Request) -> Result<String, KeyRefusal> {
        guard let header = request.headers[.authorization] else { return .failure(.missing) }
        let parts = header.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == "bearer", !parts[1].allSatisfy({ $0 == " " }) else {
            return .failure(.missing)
        }
        return .success(String(parts[1].drop { $0 == " " }))
    }

    /// The body's members; empty when it is not a JSON object.
    func fields(of request: Request, context: SandboxRequestContext) async throws -> [String: JSONValue] {
        let body = try await request.body.collect(upTo: context.maxUploadSize)
        return JSONValue.parseObject(Array(body.readableBytesView)) ?? [:]
    }

    /// A part of the path, percent-decoded.
    func parameter(_ name: String, of context: SandboxRequestContext) -> String {
        let raw = context.parameters.get(name) ?? ""
        return raw.removingPercentEncoding ?? raw
    }

    /// Carries out what a fault does to a request.
    ///
    /// - Throws: ``ConnectionClosed`` when there is no connection left to answer on.
    func carryOut(_ effect: FaultEffect, context: SandboxRequestContext) async throws -> Response {
        switch effect {
        case .answer(let status, let body, let isJSON, let headers):
            var fields = HTTPFields()
            for (name, value) in headers {
                if let name = HTTPField.Name(name) { fields[name] = value }
            }
            return WireAnswer(
                status: HTTPResponse.Status(code: status), body: body, isJSON: isJSON, headers: fields
            ).response
        case .hold(let fault, let limit):
            await core.held.wait(fault: fault, upTo: limit, on: context.channel.eventLoop)
            try? await context.channel.close().get()
            throw ConnectionClosed()
        case .reset:
            await context.channel.abort()
            throw ConnectionClosed()
        }
    }

    /// Answers a request of a session key that is not a send.
    ///
    /// - Parameters:
    ///   - path: which faults strike it; `nil` when none do.
    ///   - limit: the limit it counts against, if any.
    ///   - answer: what to answer, with the session's id.
    func answer(
        _ request: Request, _ context: SandboxRequestContext, path: SandboxFault.Path? = nil,
        limit: LookupLimit? = nil, _ answer: (inout SandboxState, Int, SandboxInstant) -> WireAnswer
    ) async throws -> Response {
        let token = bearerToken(of: request)
        let (reply, effect, delay) = core.decide { state, now -> (WireAnswer, FaultEffect?, Duration) in
            let id: Int
            switch state.session(for: token, at: now) {
            case .success(let found): id = found
            case .failure(let refusal): return (WasenderAnswer.refusal(refusal), nil, .zero)
            }
            var delay: Duration = .zero
            if let path, let key = state.sessions[id]?.apiKey {
                let intercepted = state.intercept(path, key: key, at: now)
                delay = intercepted.delay
                if let effect = intercepted.effect { return (.noContent, effect, delay) }
            }
            guard let limit, let count = state.countLookup(limit, session: id, at: now) else {
                return (answer(&state, id, now), nil, delay)
            }
            var reply =
                count.refusal.map { WasenderAnswer.limited($0, isAccountProtection: false) }
                ?? answer(&state, id, now)
            reply.headers = WasenderAnswer.limitHeaders(count.minute, daily: count.day)
            return (reply, nil, delay)
        }
        await core.pause(delay, on: context.channel.eventLoop)
        if let effect { return try await carryOut(effect, context: context) }
        return reply.response
    }
}
