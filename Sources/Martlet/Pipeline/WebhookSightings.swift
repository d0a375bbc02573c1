/// Remembers which channels a webhook ever came for, so that a channel whose provider was never told the address is found.
package struct WebhookSightings: Sendable {
    private let store: any Maintenance

    package init(store: any Maintenance) { self.store = store }

    /// When the first webhook of the channel was processed; nil when none ever was.
    package func first(of channel: ChannelID) async throws(StoreError) -> Timestamp? {
        guard let value = try await store.setting(Self.name(channel)) else { return nil }
        return Int64(String(decoding: value, as: UTF8.self)).map(Timestamp.init(microseconds:))
    }

    /// Notes a webhook, unless there was one before.
    package func note(_ channel: ChannelID, at now: Timestamp) async throws(StoreError) {
        // Most were noted by an earlier process: a read is cheaper than a write.
        guard try await first(of: channel) == nil else { return }
        _ = try await store.setSettingOnce(Self.name(channel), Array(String(now.microseconds).utf8))
    }

    private static func name(_ channel: ChannelID) -> String { "webhook_seen:\(channel.text)" }
}
