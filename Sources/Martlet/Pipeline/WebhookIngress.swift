/// Takes webhooks: proof of origin, blanking of credentials, a durable place in the inbox. Nothing else happens before the
/// provider is answered.
package final class WebhookIngress: Sendable {
    package enum Answer: Sendable, Equatable {
        /// Stored durably.
        case stored
        /// No channel has that address.
        case unknownAddress
        /// The proof of origin is missing or wrong; nothing is stored.
        case unauthentic
        /// The inbox cannot take it now; nothing is stored.
        case unavailable(String)
    }

    private let directory: Directory
    private let time: any TimeSource
    private let commits: GroupCommit<InboxEntry, Void>
    private let metrics: PipelineMetrics
    private let wake: @Sendable () -> Void

    /// - parameter wake: called after something was stored.
    package init(
        inbox: any Inbox, directory: Directory, time: any TimeSource, metrics: PipelineMetrics,
        wake: @escaping @Sendable () -> Void
    ) {
        self.directory = directory
        self.time = time
        self.metrics = metrics
        self.wake = wake
        commits = GroupCommit { (batch: [InboxEntry]) async throws(StoreError) in
            try await inbox.append(batch)
            return Array(repeating: (), count: batch.count)
        }
    }

    /// Whether there is such an address at all, so that nobody's body need be read who does not know one.
    package func isAddress(channel: String, token: String) async -> Bool {
        if resolve(channel: channel, token: token) != nil { return true }
        guard let id = ChannelID(channel), await directory.findChannel(id) != nil else { return false }
        return resolve(channel: channel, token: token) != nil
    }

    /// - Parameters:
    ///   - channel, token: the parts of the path `/webhooks/{channel}/{token}`.
    ///   - headers: names in lower case.
    package func receive(channel: String, token: String, headers: [String: String], body: [UInt8]) async -> Answer {
        guard let (channel, provider) = resolve(channel: channel, token: token) else { return .unknownAddress }
        guard provider.isAuthentic(headers: headers, body: body, channel: channel) else {
            metrics.webhook(provider: provider.name, result: "unauthenticated")
            return .unauthentic
        }
        let entry = InboxEntry(
            channel: channel.id, receivedAt: time.now(), body: provider.redacted(webhook: body, channel: channel))
        do throws(StoreError) {
            try await commits.submit(entry)
        } catch {
            metrics.webhook(provider: provider.name, result: "overloaded")
            return .unavailable(error.message)
        }
        metrics.webhook(provider: provider.name, result: "accepted")
        wake()
        return .stored
    }

    /// The answer to a provider's verification handshake, or nil to refuse it.
    package func verification(channel: String, token: String, query: [String: String]) -> String? {
        guard let (channel, provider) = resolve(channel: channel, token: token) else { return nil }
        return provider.verification(query: query, channel: channel)
    }

    private func resolve(channel: String, token: String) -> (Channel, any Provider)? {
        guard let id = ChannelID(channel), let channel = directory.channel(id),
            constantTimeEquals(Array(channel.webhookToken.utf8), Array(token.utf8)),
            let provider = directory.providers[channel.provider]
        else { return nil }
        return (channel, provider)
    }
}
