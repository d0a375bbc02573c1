import Martlet

extension Examination {
    /// The longest a provider may take to answer here.
    private static let providerTimeout: Duration = .seconds(10)
    /// A send's first webhook may take this long before it is missed.
    private static let firstWebhookAfter: Duration = .seconds(120)

    /// Examines every channel and what its provider needs of this node.
    mutating func examineChannels(_ configuration: NodeConfiguration, store: any Store & Inbox) async {
        let directory: Directory
        do {
            // A key that is missing is told with the store already, and is not made here: a new one would read nothing.
            guard let box = try InstallationSecrets.existingBox(configuration) else { return }
            if let fingerprint = try await store.setting(InstallationSecrets.keyFingerprintSetting),
                fingerprint != box.fingerprint
            {
                return add(
                    "secrets key", .failed, "it is not the one this database was made with",
                    remedy: "put the old key file back beside the database, or set secrets.key to the old key")
            }
            directory = Directory(
                store: store, providers: composition.providers(), secretBox: box, time: SystemTimeSource(),
                identifiers: IdentifierGenerator())
            try await directory.load()
        } catch let error as ConfigurationError {
            return add(
                "secrets key", .failed, error.description,
                remedy: "put the right key back from your backup; without it no channel's credentials can be read")
        } catch {
            return add(
                "channels", .failed, "they cannot be read: \(error)",
                remedy: "put the key back that the database was made with, or a backup of the database")
        }
        let channels = directory.channels()
        guard !channels.isEmpty else { return add("channels", .ok, "there are none yet") }
        let baseURLs = Dictionary(
            channels.compactMap { channel in Self.baseURL(channel, directory).map { (channel.id, $0) } },
            uniquingKeysWith: { first, _ in first })
        await examinePublicURL(
            configuration,
            callers: channels.filter { channel in
                baseURLs[channel.id].map { NetworkPlace.of(url: $0) == .public } ?? false
            })
        await examineClock(providers: Set(baseURLs.values))
        for channel in channels { await examine(channel, directory: directory, store: store) }
    }

    private static func baseURL(_ channel: Channel, _ directory: Directory) -> String? {
        channel.baseURL ?? directory.providers[channel.provider]?.traits.defaultBaseURL
    }

    private mutating func examine(_ channel: Channel, directory: Directory, store: any Store & Inbox) async {
        let name = "channel \(channel.name) (\(channel.id))"
        guard directory.providers[channel.provider] != nil else {
            return add(
                name, .failed, "its provider \(channel.provider) is not part of this build",
                remedy: "run a build that has it, or delete the channel")
        }
        if channel.status == .paused {
            add(name, .warning, "is paused", remedy: "martlet channels resume \(channel.id)")
        }
        if channel.webhookSecret == nil {
            add(
                name, .failed, "has no webhook secret, so no webhook is taken",
                remedy: "martlet channels update \(channel.id) --webhook-secret … with the secret the provider shows")
        } else {
            await examineWebhooks(of: channel, name: name, store: store)
        }
        let sessions = SessionControl(directory: directory, timeout: Self.providerTimeout)
        switch await sessions.status(of: channel) {
        case .up: add(name, .ok, "the provider knows it, and its session is up")
        case .down(let detail):
            add(name, .failed, "its session is down: \(detail)", remedy: "martlet channels connect \(channel.id)")
        case .unauthorized(let detail):
            add(
                name, .failed, "the provider refuses its credentials: \(detail)",
                remedy: "martlet channels update \(channel.id) --credential api_key=…")
        case .failed(let detail):
            add(name, .failed, "the provider cannot be asked: \(detail)", remedy: "check its base URL and the network")
        }
    }

    /// Whether a channel that has sent was ever called back.
    private mutating func examineWebhooks(of channel: Channel, name: String, store: any Store & Inbox) async {
        do throws(StoreError) {
            guard try await WebhookSightings(store: store).first(of: channel.id) == nil else { return }
            for status in [MessageStatus.sent, .delivered, .read] {
                var query = MessageQuery(tenant: channel.tenantID)
                query.channel = channel.id
                query.status = status
                query.until = SystemTimeSource().now() - Self.firstWebhookAfter
                query.limit = 1
                guard try await store.messages(query).elements.isEmpty else {
                    return add(
                        name, .failed, "has sent messages, and no webhook ever came for it",
                        remedy: "enter the webhook_url that martlet channels show \(channel.id) tells at the provider, "
                            + "and turn its webhooks on")
                }
            }
        } catch {
            add(
                name, .failed, "its messages cannot be read: \(error.message)",
                remedy: error.remedy ?? "see store above")
        }
    }
}
