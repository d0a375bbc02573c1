/// A request to create a tenant, or to change one (CONTRACT: `POST` and `PATCH /v1/tenants`).
package struct TenantDraft: Sendable, Equatable {
    /// Nil in a change that leaves it.
    package var name: String?
    /// Nil in a change that leaves them; empty means none.
    package var limits: [RateLimit]?

    /// - parameter isChange: whether the name may be left out.
    package static func read(_ value: JSONValue, isChange: Bool) -> Result<TenantDraft, FieldErrors> {
        guard let object = value.objectValue else {
            return .failure(FieldErrors([FieldError("", "must be an object, not \(value.kindName)")]))
        }
        var reader = FieldReader(object)
        var draft = TenantDraft()
        if !isChange || object["name"] != nil { draft.name = reader.name("name", required: true) }
        let limits = reader.rateLimits("limits")
        if object["limits"] != nil { draft.limits = limits ?? [] }
        reader.refuseUnknown()
        guard reader.errors.isEmpty else { return .failure(FieldErrors(reader.errors)) }
        return .success(draft)
    }
}

/// A request to make a key (CONTRACT: `POST /v1/tenants/{id}/keys`).
package struct KeyDraft: Sendable, Equatable {
    package var name: String?

    package static func read(_ value: JSONValue) -> Result<KeyDraft, FieldErrors> {
        guard let object = value.objectValue else {
            return .failure(FieldErrors([FieldError("", "must be an object, not \(value.kindName)")]))
        }
        var reader = FieldReader(object)
        let name = reader.name("name")
        reader.refuseUnknown()
        guard reader.errors.isEmpty else { return .failure(FieldErrors(reader.errors)) }
        return .success(KeyDraft(name: name))
    }
}
