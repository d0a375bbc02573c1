import Martlet

extension WasenderProvider {
    package func send(_ message: Message, over channel: Channel, timeout: Duration) async -> SendAnswer {
        guard let credentials = Credentials(of: channel) else {
            return SendAnswer(.unauthorized(detail: "the channel has no usable api_key"))
        }
        guard let body = SendRequest.body(for: message) else {
            return SendAnswer(
                .rejected(ErrorReason(.rejected, "WasenderApi carries no \(message.payload.kind.rawValue)")))
        }
        let words = ProviderWords(hiding: credentials.secrets)
        do {
            let answer = try await transport.exchange(
                .post, url("/send-message", channel), token: credentials.apiKey,
                body: JSONValue.object(body).encoded(), timeout: timeout)
            return SendAnswer(
                SendOutcome.read(answer, words: words, now: time.now()), httpStatus: answer.status)
        } catch {
            let detail = words(error.detail)
            return SendAnswer(
                error.mayHaveBeenWritten ? .unknown(detail: detail) : .transient(detail: detail, retryAfter: nil))
        }
    }
}
