import Foundation
import HTTPTypes
import Hummingbird
import NIOCore

/// The session endpoints. Any personal access token is taken.
///
/// Beyond the documented fields, creating and updating take `api_key` and `webhook_secret`, so that a test can choose
/// them. A session that is told to connect scans its QR code itself after ``SandboxConfiguration/linkDelay``.
struct WasenderSessionRoutes: SandboxRoutes {
    let core: SandboxCore

    func add(to group: RouterGroup<SandboxRequestContext>) {
        group.get("auth-check", use: authCheck)
        let sessions = group.group("whatsapp-sessions")
        sessions.get(use: list)
        sessions.post(use: create)
        sessions.get(":id", use: show)
        sessions.put(":id", use: update)
        sessions.delete(":id", use: delete)
        sessions.post(":id/connect", use: connect)
        sessions.get(":id/qrcode", use: qrCode)
        sessions.get(":id/passkey-token", use: passkeyToken)
        sessions.post(":id/disconnect", use: disconnect)
        sessions.post(":id/restart", use: restart)
        sessions.post(":id/regenerate-key", use: regenerateKey)
        sessions.get(":id/message-logs", use: messageLogs)
        sessions.get(":id/session-logs", use: sessionLogs)
        // Spellings that published SDKs use.
        sessions.get(":id/qr-code", use: qrCode)
        sessions.post(":id/regenerate-api-key", use: regenerateKey)
    }

    @Sendable private func authCheck(_ request: Request, _ context: SandboxRequestContext) async throws -> Response {
        withToken(request) { _, _ in WasenderAnswer.done("Authenticated") }
    }

    @Sendable private func list(_ request: Request, _ context: SandboxRequestContext) async throws -> Response {
        withToken(request) { state, now in
            let sessions = state.sessions.values.sorted { $0.id < $1.id }
            return WasenderAnswer.success(.array(sessions.map { WasenderSession.json($0, in: state, at: now) }))
        }
    }

    @Sendable private func create(_ request: Request, _ context: SandboxRequestContext) async throws -> Response {
        let fields = try await fields(of: request, context: context)
        return withToken(request) { state, now in
            let reading = WasenderSession.SettingsReading(fields, onto: nil)
            guard let settings = reading.settings else { return WasenderAnswer.invalid(reading.errors) }
            let key = fields["api_key"]?.string
            if let key, state.sessionOfKey[key] != nil {
                return WasenderAnswer.invalid(["api_key": ["The api key has already been taken."]])
            }
            let added = state.addSession(
                settings, apiKey: key, webhookSecret: fields["webhook_secret"]?.string, isLinked: false, at: now)
            switch added {
            case .success(let id):
                guard let session = state.sessions[id] else { return WasenderAnswer.notFound("Session") }
                return WasenderAnswer.success(WasenderSession.json(session, in: state, at: now), status: .created)
            case .failure(let refusal): return WasenderAnswer.refusal(refusal)
            }
        }
    }

    @Sendable private func show(_ request: Request, _ context: SandboxRequestContext) async throws -> Response {
        withSession(request, context) { state, session, now in
            WasenderAnswer.success(WasenderSession.json(session, in: state, at: now))
        }
    }

    @Sendable private func update(_ request: Request, _ context: SandboxRequestContext) async throws -> Response {
        let fields = try await fields(of: request, context: context)
        return withSession(request, context) { state, session, now in
            let reading = WasenderSession.SettingsReading(fields, onto: session.settings)
            guard let settings = reading.settings else { return WasenderAnswer.invalid(reading.errors) }
            if let key = fields["api_key"]?.string {
                guard state.sessionOfKey[key] ?? session.id == session.id else {
                    return WasenderAnswer.invalid(["api_key": ["The api key has already been taken."]])
                }
                _ = state.replaceKey(of: session.id, by: key, at: now)
            }
            state.sessions[session.id]?.settings = settings
            state.sessions[session.id]?.updatedAt = now
            if let secret = fields["webhook_secret"]?.string {
                state.sessions[session.id]?.webhookSecret = secret
            }
            guard let updated = state.sessions[session.id] else { return WasenderAnswer.notFound("Session") }
            return WasenderAnswer.success(WasenderSession.json(updated, in: state, at: now))
        }
    }

    @Sendable private func delete(_ request: Request, _ context: SandboxRequestContext) async throws -> Response {
        withSession(request, context) { state, session, _ in
            _ = state.deleteSession(session.id)
            return .noContent
        }
    }

    @Sendable private func connect(_ request: Request, _ context: SandboxRequestContext) async throws -> Response {
        let method = try await fields(of: request, context: context)["linkMethod"]?.string
        let spelling = StatusSpelling(request)
        return withSession(request, context) { state, session, now in
            if session.status == .connected {
                return WasenderAnswer.success([
                    "status": spelling(.connected), "message": "Session is already connected",
                ])
            }
            if session.isLinked {
                state.setStatus(.connected, of: session.id, at: now)
                return WasenderAnswer.success(["status": spelling(.connected), "message": "Session connected"])
            }
            state.linkLater(session.id, at: now)
            if method == "passkey" {
                state.setStatus(.needPasskey, of: session.id, at: now)
                return WasenderAnswer.success([
                    "status": spelling(.needPasskey), "passkey": WasenderSession.passkey(in: &state, at: now),
                ])
            }
            state.setStatus(.needScan, of: session.id, at: now)
            let code = WasenderSession.qrCode(in: &state)
            state.note(.qrCode(code), of: session)
            return WasenderAnswer.success(["status": spelling(.needScan), "qrCode": .string(code)])
        }
    }

    @Sendable private func qrCode(_ request: Request, _ context: SandboxRequestContext) async throws -> Response {
        withSession(request, context) { state, session, _ in
            guard session.status == .needScan else {
                return WasenderAnswer.failure("Connect the session first.", status: .badRequest)
            }
            let code: JSONValue = .string(WasenderSession.qrCode(in: &state))
            // The Python SDK's model of the answer spells the name with an underscore.
            return WasenderAnswer.success(["qrCode": code, "qr_code": code])
        }
    }

    @Sendable private func passkeyToken(
        _ request: Request, _ context: SandboxRequestContext
    ) async throws -> Response {
        withSession(request, context) { state, session, now in
            guard session.status == .needPasskey else {
                return WasenderAnswer.failure("Connect the session with a passkey first.", status: .badRequest)
            }
            return WasenderAnswer.success(WasenderSession.passkey(in: &state, at: now))
        }
    }

    @Sendable private func disconnect(_ request: Request, _ context: SandboxRequestContext) async throws -> Response {
        let spelling = StatusSpelling(request)
        return withSession(request, context) { state, session, now in
            state.setStatus(.disconnected, of: session.id, at: now)
            return WasenderAnswer.success([
                "status": spelling(.disconnected), "message": "Session disconnected successfully",
            ])
        }
    }

    @Sendable private func restart(_ request: Request, _ context: SandboxRequestContext) async throws -> Response {
        withSession(request, context) { state, session, now in
            guard state.visibleStatus(of: session, at: now) == .connected else {
                return WasenderAnswer.failure(
                    WasenderAnswer.notConnectedText, status: .init(code: state.configuration.sessionDownStatus))
            }
            state.setStatus(.connecting, of: session.id, at: now)
            state.linkLater(session.id, at: now)
            return WasenderAnswer.done("Session is restarting")
        }
    }

    @Sendable private func regenerateKey(
        _ request: Request, _ context: SandboxRequestContext
    ) async throws -> Response {
        withSession(request, context) { state, session, now in
            .json(["success": true, "api_key": .optional(state.replaceKey(of: session.id, at: now))])
        }
    }

    @Sendable private func messageLogs(_ request: Request, _ context: SandboxRequestContext) async throws -> Response {
        let wanted = request.uri.queryParameters["status"].map(String.init)
        guard wanted.map({ ["sent", "failed", "in_progress"].contains($0) }) ?? true else {
            return WasenderAnswer.invalid(["status": ["The selected status is invalid."]]).response
        }
        let (page, perPage) = paging(request)
        return try await withSessionOrFault(request, context, path: .logs) { state, session, _ in
            let filter = wanted.map { wanted in
                { (entry: LedgerEntry) in WasenderSession.logStatus(of: entry) == wanted }
            }
            let found = state.messages(ofSession: session.id, page: page, perPage: perPage, where: filter)
            let rows = found?.rows.map { WasenderSession.logRow(of: $0, session: session) } ?? []
            return WasenderSession.paginated(rows, page: page, perPage: perPage, total: found?.total ?? 0)
        }
    }

    @Sendable private func sessionLogs(_ request: Request, _ context: SandboxRequestContext) async throws -> Response {
        let (page, perPage) = paging(request)
        return withSession(request, context) { _, session, _ in
            let rows = session.log.reversed().dropFirst((page - 1) * perPage).prefix(perPage).map { row -> JSONValue in
                [
                    "id": .integer(row.id), "whatsapp_session_id": .integer(session.id),
                    "event_type": .string(row.eventType), "status": .string(row.status.rawValue),
                    "occurred_at": WasenderSession.timestamp(row.occurredAt),
                ]
            }
            return WasenderSession.paginated(Array(rows), page: page, perPage: perPage, total: session.log.count)
        }
    }

    /// The page that is asked for, from 1 to a million, and its length, up to 100.
    private func paging(_ request: Request) -> (page: Int, perPage: Int) {
        let query = request.uri.queryParameters
        let page = query["page"].flatMap { Int($0) } ?? 1
        let perPage = query["per_page"].flatMap { Int($0) } ?? 15
        return (min(1_000_000, max(1, page)), min(100, max(1, perPage)))
    }

    private func withToken(
        _ request: Request, _ answer: (inout SandboxState, SandboxInstant) -> WireAnswer
    ) -> Response {
        if case .failure(let refusal) = bearerToken(of: request) { return WasenderAnswer.refusal(refusal).response }
        return core.decide(answer).response
    }

    private func withSession(
        _ request: Request, _ context: SandboxRequestContext,
        _ answer: (inout SandboxState, SandboxSession, SandboxInstant) -> WireAnswer
    ) -> Response {
        let id = Int(parameter("id", of: context))
        return withToken(request) { state, now in
            guard let id, let session = state.sessions[id] else { return WasenderAnswer.notFound("Session") }
            return answer(&state, session, now)
        }
    }

    private func withSessionOrFault(
        _ request: Request, _ context: SandboxRequestContext, path: SandboxFault.Path,
        _ answer: (inout SandboxState, SandboxSession, SandboxInstant) -> WireAnswer
    ) async throws -> Response {
        let id = Int(parameter("id", of: context))
        let struck = core.decide { state, now in
            state.intercept(path, key: id.flatMap { state.sessions[$0]?.apiKey } ?? "", at: now)
        }
        await core.pause(struck.delay, on: context.channel.eventLoop)
        if let effect = struck.effect { return try await carryOut(effect, context: context) }
        return withSession(request, context, answer)
    }
}

/// How connecting and disconnecting spell a status.
///
/// The documentation has upper case there. The models of the published Python SDK take lower case alone and fail on
/// anything else, so whoever says it is that SDK gets what it can read.
private struct StatusSpelling: Sendable {
    private let isLowerCase: Bool

    init(_ request: Request) {
        isLowerCase = request.headers[.userAgent]?.hasPrefix("wasenderapi-python-sdk/") == true
    }

    func callAsFunction(_ status: SandboxSession.Status) -> JSONValue {
        .string(isLowerCase ? status.rawValue : status.rawValue.uppercased())
    }
}
