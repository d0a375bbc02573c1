import Martlet

extension WasenderProvider {
    package func lookUp(_ question: LookUp, over channel: Channel, timeout: Duration) async -> LookUpAnswer {
        guard let credentials = Credentials(of: channel) else {
            return .failed(detail: "the channel has no usable api_key")
        }
        do {
            return switch question.purpose {
            case .identity, .acknowledgement:
                try await lookUpInfo(question.message, channel, credentials, timeout)
            case .outcome:
                try await lookUpOutcome(question, channel, credentials, Patience(timeout))
            }
        } catch {
            return .failed(detail: ProviderWords(hiding: credentials.secrets)(error.detail))
        }
    }

    /// Asks for one message by the number its send was answered with (docs 'Get Message Info').
    private func lookUpInfo(
        _ message: Message, _ channel: Channel, _ credentials: Credentials, _ timeout: Duration
    ) async throws(TransportFailure) -> LookUpAnswer {
        guard let id = message.submissionID.flatMap({ JSONValue.string($0).messageLogID }) else { return .unsupported }
        let answer = try await transport.exchange(
            .get, url("/messages/\(id)/info", channel), token: credentials.apiKey, timeout: timeout)
        let envelope = Envelope(answer.body)
        if let problem = problem(answer, envelope, credentials) { return problem }
        guard let data = envelope?.data else { return .failed(detail: "HTTP \(answer.status) without data") }
        let level = AcknowledgementCode.level(data["status"])
        guard let messageID = (data["key"]?["id"] ?? data["id"])?.stringValue, WebhookReader.isMessageID(messageID)
        else {
            // What is answered while the provider still holds the message is not documented; a failure, or a sign of
            // WhatsApp, is worth telling without an id.
            return switch level {
            case nil, .pending?: .notFound
            default: .found(submissionID: id, messageID: nil, level: level, detail: failure(data, credentials))
            }
        }
        return .found(
            submissionID: id, messageID: messageID, level: level,
            detail: level == .failed ? failure(data, credentials) : nil)
    }

    private func failure(_ data: JSONValue, _ credentials: Credentials) -> String? {
        (data["failed_reason"] ?? data["error"])?.stringValue.map { ProviderWords(hiding: credentials.secrets)($0) }
    }

    /// The answers that end a look-up, whatever it was for.
    private func problem(_ answer: Answer, _ envelope: Envelope?, _ credentials: Credentials) -> LookUpAnswer? {
        if answer.isSuccess, envelope != nil, envelope?.isSuccess != false { return nil }
        let text = envelope?.message?.lowercased() ?? ""
        switch answer.status {
        case 429:
            return .throttled(
                retryAfter: RetryDelay.read(envelope, answer.headers, isThrottled: true, now: time.now()))
        case 404: return .notFound
        default:
            if text.contains("not found") { return .notFound }
            let reason = envelope?.words ?? "no answer in the provider's form"
            return .failed(detail: ProviderWords(hiding: credentials.secrets)("HTTP \(answer.status): \(reason)"))
        }
    }
}

// MARK: - Sends whose answer was lost

extension WasenderProvider {
    private static let logPagesMax = 3
    private static let logRowsPerPage = 100
    /// The log's times are whole seconds in places, and the provider's clock need not be ours.
    private static let clockTolerance = Duration.seconds(10)

    /// Looks for the send in the provider's message log. Only a single fitting row is an answer: with two, one may
    /// belong to another message that says the same. (So may a single one: whoever binds it checks that it is not bound
    /// yet.)
    private func lookUpOutcome(
        _ question: LookUp, _ channel: Channel, _ credentials: Credentials, _ patience: Patience
    ) async throws(TransportFailure) -> LookUpAnswer {
        guard let token = credentials.personalAccessToken,
            let wanted = SendRequest.content(of: question.message.payload)
        else { return .unsupported }
        let session: String
        switch try await sessionID(channel, credentials, patience) {
        case .known(let id): session = id
        case .unknown: return .unsupported
        case .problem(let problem): return problem
        }
        let since = question.attemptStartedAt - Self.clockTolerance
        var matches: [MessageLogRow] = []
        var isLogged = true
        var seen: Set<String> = []
        for page in 1...Self.logPagesMax {
            let answer = try await transport.exchange(
                .get,
                url("/whatsapp-sessions/\(session)/message-logs?page=\(page)&per_page=\(Self.logRowsPerPage)", channel),
                token: token, timeout: patience.left)
            let envelope = Envelope(answer.body)
            if let problem = problem(answer, envelope, credentials) {
                // A missing log is not a missing message.
                return problem == .notFound ? .unsupported : problem
            }
            guard let found = envelope.flatMap({ MessageLogPage($0, perPage: Self.logRowsPerPage) }) else {
                return .failed(detail: "the message log came in an unknown form")
            }
            for row in found.rows {
                guard let createdAt = row.createdAt, createdAt >= since else { continue }
                // Rows move to the next page while the log grows, and then are read twice.
                guard seen.insert(row.id).inserted else { continue }
                if row.recipient == nil || row.content == nil { isLogged = false }
                if row.isSend(of: wanted, to: question.message.recipient) { matches.append(row) }
            }
            if found.isLast { break }
            if let oldest = found.rows.last?.createdAt, oldest < since { break }
        }
        switch matches.count {
        case 0: return isLogged ? .notFound : .unsupported
        case 1:
            let row = matches[0]
            return .found(
                submissionID: row.id, messageID: nil, level: row.hasFailed ? .failed : nil,
                detail: row.hasFailed ? row.failure.map { ProviderWords(hiding: credentials.secrets)($0) } : nil)
        default: return .failed(detail: "\(matches.count) sends in the provider's message log fit")
        }
    }

    enum SessionIDAnswer {
        case known(String)
        /// The credentials do not lead to it.
        case unknown
        case problem(LookUpAnswer)
    }

    /// The session's id: as configured, or else found by its key in the account's list of sessions.
    func sessionID(
        _ channel: Channel, _ credentials: Credentials, _ patience: Patience
    ) async throws(TransportFailure) -> SessionIDAnswer {
        if let id = credentials.sessionID { return .known(id) }
        guard let token = credentials.personalAccessToken else { return .unknown }
        let answer = try await transport.exchange(
            .get, url("/whatsapp-sessions", channel), token: token, timeout: patience.left)
        let envelope = Envelope(answer.body)
        if let problem = problem(answer, envelope, credentials) { return .problem(problem) }
        let own = envelope?.data?.arrayValue?.first { session in
            session["api_key"]?.stringValue.map {
                constantTimeEquals($0.utf8, credentials.apiKey.utf8)
            } ?? false
        }
        guard let id = own?["id"].flatMap(Credentials.sessionID(of:)) else { return .unknown }
        return .known(id)
    }
}
