/// A customer of the service. It sees itself only.
package struct Tenant: Sendable, Equatable {
    package var id: TenantID
    package var name: String
    /// Limits that hold over all the tenant's channels together.
    package var limits: [RateLimit]
    package var createdAt: Timestamp

    package init(id: TenantID, name: String, limits: [RateLimit] = [], createdAt: Timestamp) {
        self.id = id
        self.name = name
        self.limits = limits
        self.createdAt = createdAt
    }
}

/// A tenant's key to the API. The key itself is shown once and never stored: only its SHA-256 is.
package struct APIKey: Sendable, Equatable {
    package var id: KeyID
    package var tenantID: TenantID
    package var name: String?
    package var createdAt: Timestamp
    package var lastUsedAt: Timestamp?
    package var revokedAt: Timestamp?

    package init(id: KeyID, tenantID: TenantID, name: String?, createdAt: Timestamp) {
        self.id = id
        self.tenantID = tenantID
        self.name = name
        self.createdAt = createdAt
    }
}
