/// A request to create a channel, checked together with its provider (CONTRACT: `POST /v1/channels`).
package struct ChannelDraft: Sendable {
    /// The tenant an administrator creates it for; nil when a tenant's own key asks.
    package var tenant: TenantID?
    package var name: String
    package var provider: String
    package var credentials: JSONObject
    package var webhookSecret: String?
    package var settings: ChannelSettings

    /// - Parameters:
    ///   - providers: the modules of this node; a channel of another is refused.
    ///   - isAdministrator: whether the body names the tenant.
    package static func read(
        _ value: JSONValue, providers: ProviderRegistry, isAdministrator: Bool
    ) -> Result<ChannelDraft, FieldErrors> {
        guard let object = value.objectValue else {
            return .failure(FieldErrors([FieldError("", "must be an object, not \(value.kindName)")]))
        }
        var reader = FieldReader(object)
        var tenant: TenantID?
        if isAdministrator {
            let text = reader.string("tenant", required: true, max: 64)
            tenant = text.flatMap { TenantID($0) }
            if text != nil, tenant == nil { reader.refuse("tenant", "must be a tenant's id") }
        }
        let name = reader.name("name", required: true)
        let provider = reader.choice("provider", required: true, among: providers.names) { providers[$0] }
        let credentials = reader.object("credentials", required: true)
        if let provider, let credentials { reader.adopt(provider.credentialErrors(credentials)) }
        let webhookSecret = reader.webhookSecret()
        let settings = ChannelSettings.read(&reader)
        reader.refuseUnknown()
        guard reader.errors.isEmpty, let name, let provider, let credentials else {
            return .failure(FieldErrors(reader.errors))
        }
        return .success(
            ChannelDraft(
                tenant: tenant, name: name, provider: provider.name, credentials: credentials,
                webhookSecret: webhookSecret, settings: settings))
    }

    /// The channel asked for. Its id, token, status and times are ``Directory/createChannel(_:)``'s to set.
    package func channel(tenant: TenantID) -> Channel {
        let unset = Timestamp(microseconds: 0)
        return Channel(
            id: ChannelID(unchecked: ""), tenantID: tenant, name: name, provider: provider, baseURL: settings.baseURL,
            credentials: Secret(credentials), webhookSecret: webhookSecret.map { Secret($0) }, webhookToken: "",
            limits: settings.limits, headroom: settings.headroom ?? Channel.defaultHeadroom,
            recipientInterval: settings.recipientInterval, acknowledgementDeadline: settings.acknowledgementDeadline,
            statusSince: unset, createdAt: unset)
    }
}

/// What may be set of a channel besides its name and secrets; nil where the default is to hold.
package struct ChannelSettings: Sendable, Equatable {
    package var baseURL: String?
    package var limits: [RateLimit]?
    package var headroom: Double?
    package var recipientInterval: Duration?
    package var acknowledgementDeadline: Duration?

    /// The members' names in a body.
    static let baseURLName = "base_url"
    static let limitsName = "limits"
    static let headroomName = "headroom"
    static let recipientIntervalName = "recipient_interval_ms"
    static let acknowledgementDeadlineName = "acknowledgement_deadline_seconds"

    static func read(_ reader: inout FieldReader) -> ChannelSettings {
        var settings = ChannelSettings()
        settings.baseURL = reader.baseURL(baseURLName)
        settings.limits = reader.rateLimits(limitsName)
        if reader.value(limitsName)?.arrayValue?.isEmpty == true {
            reader.refuse(limitsName, "must have at least one entry; null takes the provider's own")
        }
        settings.headroom = reader.double(headroomName, in: 0.05...1)
        settings.recipientInterval = reader.integer(recipientIntervalName, in: 0...86_400_000).map { .milliseconds($0) }
        settings.acknowledgementDeadline = reader.integer(acknowledgementDeadlineName, in: 1...604_800)
            .map { .seconds($0) }
        return settings
    }
}

extension Channel {
    /// This channel as a `PATCH` body changes it: what is absent stays, null goes back to the default, and credentials
    /// are merged member by member, null removing one. The result is checked as a new channel is.
    package func changed(by value: JSONValue, provider: (any Provider)?) -> Result<Channel, FieldErrors> {
        guard let object = value.objectValue else {
            return .failure(FieldErrors([FieldError("", "must be an object, not \(value.kindName)")]))
        }
        var reader = FieldReader(object)
        var changed = self
        if object["name"] != nil, let name = reader.name("name", required: true) { changed.name = name }
        if reader.value("provider") != nil { reader.refuse("provider", "cannot be changed; create another channel") }
        if object["credentials"] != nil, let given = reader.object("credentials", required: true) {
            let merged = credentials.exposed.merging(given)
            if let provider { reader.adopt(provider.credentialErrors(merged)) }
            changed.credentials = Secret(merged)
        }
        let webhookSecret = reader.webhookSecret()
        if object["webhook_secret"] != nil { changed.webhookSecret = webhookSecret.map { Secret($0) } }
        let settings = ChannelSettings.read(&reader)
        if object[ChannelSettings.baseURLName] != nil { changed.baseURL = settings.baseURL }
        if object[ChannelSettings.limitsName] != nil { changed.limits = settings.limits }
        if object[ChannelSettings.headroomName] != nil {
            changed.headroom = settings.headroom ?? Channel.defaultHeadroom
        }
        if object[ChannelSettings.recipientIntervalName] != nil {
            changed.recipientInterval = settings.recipientInterval
        }
        if object[ChannelSettings.acknowledgementDeadlineName] != nil {
            changed.acknowledgementDeadline = settings.acknowledgementDeadline
        }
        reader.refuseUnknown()
        guard reader.errors.isEmpty else { return .failure(FieldErrors(reader.errors)) }
        return .success(changed)
    }
}

extension Provider {
    /// What is wrong with credentials, by their place in a channel's body.
    fileprivate func credentialErrors(_ credentials: JSONObject) -> [FieldError] {
        validate(credentials: credentials).map { FieldError("/credentials" + $0.pointer, $0.message) }
    }
}
