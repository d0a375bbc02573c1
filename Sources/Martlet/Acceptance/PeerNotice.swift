/// What processes tell one another about status changes.
struct PeerNotice: Equatable {
    enum Content: Equatable {
        /// Who listens?
        case asking
        /// There are listeners for these.
        case listening([TenantID])
        case changed(TenantID, [MessageID])
    }

    var process: String
    var content: Content

    init(process: String, content: Content) {
        self.process = process
        self.content = content
    }

    /// Reads a text; nil when no process of this version writes it.
    init?(text: String) {
        let words = text.split(separator: " ", maxSplits: StatusExchange.idsMax + 3).map(String.init)
        guard words.count >= 2 else { return nil }
        process = words[1]
        switch words[0] {
        case "asking" where words.count == 2: content = .asking
        case "listening":
            let tenants = words[2...].compactMap { TenantID($0) }
            guard tenants.count == words.count - 2 else { return nil }
            content = .listening(tenants)
        case "changed":
            guard words.count > 3, let tenant = TenantID(words[2]) else { return nil }
            let messages = words[3...].compactMap { MessageID($0) }
            guard messages.count == words.count - 3 else { return nil }
            content = .changed(tenant, messages)
        default: return nil
        }
    }

    var text: String {
        switch content {
        case .asking: "asking \(process)"
        case .listening(let tenants): "listening \(process) \(tenants.map(\.text).joined(separator: " "))"
        case .changed(let tenant, let messages):
            "changed \(process) \(tenant) \(messages.map(\.text).joined(separator: " "))"
        }
    }
}
