import Foundation
import HTTPTypes
import Hummingbird
import NIOCore

/// Sending, and what can be done with a message afterwards. Session key.
struct WasenderMessageRoutes: SandboxRoutes {
    let core: SandboxCore

    /// The largest upload that is read; the documentation names 100 MB for documents.
    private static let uploadBytesMax = 128 << 20

    /// The largest upload in base64, which has to be held in memory to be looked into.
    private static let encodedUploadBytesMax = 32 << 20

    func add(to group: RouterGroup<SandboxRequestContext>) {
        group.post("send-message", use: send)
        group.get("messages/:id/info", use: info)
        group.put("messages/:id", use: edit)
        group.delete("messages/:id", use: delete)
        group.post("messages/:id/resend", use: resend)
        group.post("messages/read", use: markRead)
        group.post("send-presence-update", use: presence)
        group.post("upload", use: upload)
        group.post("decrypt-media", use: decrypt)
    }

    @Sendable private func send(_ request: Request, _ context: SandboxRequestContext) async throws -> Response {
        let body = try await request.body.collect(upTo: context.maxUploadSize)
        let send = WasenderSend(Array(body.readableBytesView))
        let token = bearerToken(of: request)
        let admission = core.decide { state, now in
            state.admit(key: token, submission: send.submission, recipient: send.recipient, at: now)
        }
        await core.pause(core.configuration.latency + admission.delay, on: context.channel.eventLoop)
        await core.postNow(admission.hurried)
        var answer: WireAnswer
        switch admission.outcome {
        case .accepted(let messageID): answer = WasenderAnswer.accepted(messageID: messageID, to: send.recipient ?? "")
        case .acceptedSilently(let effect), .struck(let effect): return try await carryOut(effect, context: context)
        case .unauthorized(let refusal): answer = WasenderAnswer.refusal(refusal)
        case .limited(let refusal, let isAccountProtection):
            answer = WasenderAnswer.limited(refusal, isAccountProtection: isAccountProtection)
        case .sessionDown:
            answer = WasenderAnswer.failure(
                WasenderAnswer.notConnectedText, status: .init(code: core.configuration.sessionDownStatus))
        case .unknownRecipient: answer = WasenderAnswer.unknownRecipient()
        case .invalid: answer = WasenderAnswer.invalid(send.errors)
        }
        if let reading = admission.reading { answer.headers = WasenderAnswer.limitHeaders(reading) }
        return answer.response
    }

    @Sendable private func info(_ request: Request, _ context: SandboxRequestContext) async throws -> Response {
        let id = messageID(of: context)
        return try await answer(request, context, path: .info) { state, session, now in
            guard let entry = id.flatMap({ state.message($0, session: session) }) else {
                return WasenderAnswer.notFound("Message")
            }
            let age = now.nanoseconds - entry.receivedAt.nanoseconds
            let isKnown = age >= state.configuration.infoDelay.nanosecondsRounded
            if !isKnown, state.configuration.infoBeforeReady == .notFound { return WasenderAnswer.notFound("Message") }
            return WasenderAnswer.success(
                Self.info(of: entry, keyID: isKnown ? state.keyID(ofMessage: entry.messageID) : nil))
        }
    }

    private static func info(of entry: LedgerEntry, keyID: String?) -> JSONValue {
        let jid: JSONValue = .string(WasenderContent.jid(of: entry.to))
        var data: [String: JSONValue] = [
            "remoteJid": jid, "msgId": .integer(entry.messageID),
            "message": WasenderContent.content(kind: entry.kind, text: entry.text, body: entry.body),
            "messageTimestamp": .string(String(entry.receivedAt.wallSeconds)), "status": .integer(entry.status),
        ]
        if let keyID {
            data["id"] = .string(keyID)
            data["key"] = ["id": .string(keyID), "fromMe": true, "remoteJid": jid]
        } else {
            data["status"] = 1
        }
        return .object(data)
    }

    @Sendable private func edit(_ request: Request, _ context: SandboxRequestContext) async throws -> Response {
        let id = messageID(of: context)
        let text = try await fields(of: request, context: context)["text"]?.string
        return try await answer(request, context) { state, session, _ in
            guard let text, !text.isEmpty else {
                return WasenderAnswer.invalid(["text": ["The text field is required."]])
            }
            guard let id, let entry = state.edit(message: id, session: session, text: text) else {
                return WasenderAnswer.notFound("Message")
            }
            return WasenderAnswer.success(Self.info(of: entry, keyID: state.keyID(ofMessage: id)))
        }
    }

    @Sendable private func delete(_ request: Request, _ context: SandboxRequestContext) async throws -> Response {
        let id = messageID(of: context)
        return try await answer(request, context) { state, session, now in
            guard let id, state.delete(message: id, session: session, at: now) else {
                return WasenderAnswer.notFound("Message")
            }
            return WasenderAnswer.success(["message": "Message deleted successfully"])
        }
    }

    @Sendable private func resend(_ request: Request, _ context: SandboxRequestContext) async throws -> Response {
        let id = messageID(of: context)
        return try await answer(request, context) { state, session, now in
            guard let id, state.message(id, session: session) != nil else { return WasenderAnswer.notFound("Message") }
            guard state.resend(message: id, session: session, at: now) else {
                return WasenderAnswer.failure(
                    "Only failed messages of a session that logs messages can be sent again.",
                    status: .unprocessableContent)
            }
            return WasenderAnswer.done("Message queued to be sent again")
        }
    }

    @Sendable private func markRead(_ request: Request, _ context: SandboxRequestContext) async throws -> Response {
        let key = try await fields(of: request, context: context)["key"]?.object
        return try await answer(request, context) { _, _, _ in
            guard key?["id"]?.string != nil, key?["remoteJid"]?.string != nil else {
                return WasenderAnswer.invalid(["key": ["The key field must have an id and a remoteJid."]])
            }
            return WasenderAnswer.done("Message marked as read")
        }
    }

    @Sendable private func presence(_ request: Request, _ context: SandboxRequestContext) async throws -> Response {
        let fields = try await fields(of: request, context: context)
        return try await answer(request, context) { _, _, _ in
            guard let jid = fields["jid"]?.string else {
                return WasenderAnswer.invalid(["jid": ["The jid field is required."]])
            }
            guard let type = fields["type"]?.string,
                ["composing", "recording", "available", "unavailable"].contains(type)
            else { return WasenderAnswer.invalid(["type": ["The selected type is invalid."]]) }
            return WasenderAnswer.success(["jid": .string(jid), "type": .string(type)])
        }
    }

    /// Takes raw bytes, a form's file, or base64 in JSON. Nothing is kept: the address in the answer leads nowhere.
    @Sendable private func upload(_ request: Request, _ context: SandboxRequestContext) async throws -> Response {
        var isUsable = false
        if request.headers[.contentType]?.hasPrefix("application/json") == true {
            let body = try await request.body.collect(upTo: Self.encodedUploadBytesMax)
            let encoded = JSONValue.parseObject(Array(body.readableBytesView))?["base64"]?.string
            let payload = encoded.map {
                $0.hasPrefix("data:") ? String($0[($0.firstIndex(of: ",") ?? $0.startIndex)...].dropFirst()) : $0
            }
            isUsable = payload.flatMap { Data(base64Encoded: $0) }?.isEmpty == false
        } else {
            var bytes = 0
            for try await part in request.body {
                bytes += part.readableBytes
                if bytes > Self.uploadBytesMax { throw NIOTooManyBytesError(maxBytes: Self.uploadBytesMax) }
            }
            isUsable = bytes > 0
        }
        return try await answer(request, context) { state, _, _ in
            guard isUsable else { return WasenderAnswer.invalid(["file": ["The file field is required."]]) }
            return .json(["success": true, "publicUrl": "https://media.sandbox.invalid/\(state.hexadecimal(words: 2))"])
        }
    }

    @Sendable private func decrypt(_ request: Request, _ context: SandboxRequestContext) async throws -> Response {
        let messages = try await fields(of: request, context: context)["data"]?.object?["messages"]?.object
        return try await answer(request, context) { state, _, _ in
            guard messages != nil else {
                return WasenderAnswer.invalid(["data.messages": ["The data.messages field is required."]])
            }
            return .json(["success": true, "publicUrl": "https://media.sandbox.invalid/\(state.hexadecimal(words: 2))"])
        }
    }

    private func messageID(of context: SandboxRequestContext) -> Int? {
        Int(parameter("id", of: context))
    }
}
