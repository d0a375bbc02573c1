import Martlet

extension WasenderProvider {
    /// `GET /status` answers `{"status": "connected"}`, with neither `success` nor `data` (docs 'Get Session Status').
    package func session(of channel: Channel, timeout: Duration) async -> SessionAnswer {
        guard let credentials = Credentials(of: channel) else {
            return .unauthorized(detail: "the channel has no usable api_key")
        }
        let words = ProviderWords(hiding: credentials.secrets)
        let answer: Answer
        do {
            answer = try await transport.exchange(
                .get, url("/status", channel), token: credentials.apiKey, timeout: timeout)
        } catch {
            return .failed(detail: words(error.detail))
        }
        let envelope = Envelope(answer.body)
        let reason = words(envelope?.words ?? "HTTP \(answer.status) without a reason")
        if answer.isSuccess, envelope?.isSuccess != false,
            let status = (envelope?.object["status"] ?? envelope?.data?["status"])?.stringValue
        {
            return SessionStatus.isUp(status) ? .up : .down(detail: words(status.lowercased(), max: 100))
        }
        if envelope?.message?.lowercased().contains("not connected") == true { return .down(detail: reason) }
        return answer.status == 401 ? .unauthorized(detail: reason) : .failed(detail: reason)
    }

    /// Sessions are started and ended with the account's token (docs 'Connect WhatsApp Session' and its sibling pages).
    package func control(_ command: SessionCommand, of channel: Channel, timeout: Duration) async
        -> SessionControlAnswer
    {
        guard let credentials = Credentials(of: channel) else {
            return .unsupported(detail: "the channel has no usable api_key")
        }
        guard let token = credentials.personalAccessToken else {
            return .unsupported(detail: "the credentials have no personal_access_token")
        }
        let words = ProviderWords(hiding: credentials.secrets)
        let patience = Patience(timeout)
        do {
            let session: String
            switch try await sessionID(channel, credentials, patience) {
            case .known(let id): session = id
            case .unknown:
                return .unsupported(
                    detail: "the credentials have no session_id, and the account has no session with this api_key")
            case .problem(.failed(let detail)): return .failed(detail: detail)
            case .problem(.throttled): return .failed(detail: "asked for sessions too often")
            case .problem: return .failed(detail: "the account's sessions cannot be listed")
            }
            let path = "/whatsapp-sessions/\(session)"
            let answer =
                switch command {
                case .connect:
                    try await transport.exchange(
                        .post, url(path + "/connect", channel), token: token, timeout: patience.left)
                case .disconnect:
                    try await transport.exchange(
                        .post, url(path + "/disconnect", channel), token: token, timeout: patience.left)
                case .qrCode:
                    try await transport.exchange(
                        .get, url(path + "/qrcode", channel), token: token, timeout: patience.left)
                }
            return read(answer, to: command, words)
        } catch {
            return .failed(detail: words(error.detail))
        }
    }

    private func read(_ answer: Answer, to command: SessionCommand, _ words: ProviderWords) -> SessionControlAnswer {
        guard answer.isSuccess, let envelope = Envelope(answer.body), envelope.isSuccess != false else {
            let reason = Envelope(answer.body)?.words ?? "no answer in the provider's form"
            return .failed(detail: words("HTTP \(answer.status): \(reason)"))
        }
        let code = envelope.data?["qrCode"]?.stringValue
        if command == .qrCode, code == nil { return .failed(detail: "the provider answered without a code") }
        // Connecting answers in upper case what everything else has in lower case.
        let status = envelope.data?["status"]?.stringValue.map { words($0.lowercased(), max: 100) }
        let presumed =
            switch command {
            case .connect: "connecting"
            case .disconnect: "disconnected"
            case .qrCode: "need_scan"
            }
        return .done(status: status ?? presumed, qrCode: code.map { $0.cut(to: Self.codeCharactersMax) })
    }

    /// Far more than a QR code can hold.
    private static let codeCharactersMax = 8192
}

/// The states of a session: `connected`, and six or more in which nothing can be sent.
enum SessionStatus {
    static func isUp(_ status: String) -> Bool { status.lowercased() == "connected" }
}
