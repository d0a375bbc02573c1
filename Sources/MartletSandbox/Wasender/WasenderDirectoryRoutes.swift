import HTTPTypes
import Hummingbird

/// A fixed set of contacts and groups, the same for every session. Changes are answered and not kept.
enum WasenderDirectory {
    /// The one group.
    static let group = "120363000000000001@g.us"
    /// Its member, who also receives and reads what is sent to any group.
    static let groupMember = "12025550123@s.whatsapp.net"

    /// A contact. The id is a JID.
    static func contact(_ phone: String) -> JSONValue {
        let jid: JSONValue = .string(WasenderContent.jid(of: phone))
        return ["id": jid, "jid": jid, "name": "Jane Example", "notify": "Jane", "imgUrl": nil, "status": nil]
    }

    /// A group as lists show it. The documentation calls its id `jid`, the SDKs `id`.
    static func summary(_ group: String) -> [String: JSONValue] {
        ["id": .string(group), "jid": .string(group), "name": "Example group", "imgUrl": nil]
    }

    /// The members of a group.
    static let participants: JSONValue = [
        ["id": .string(groupMember), "admin": nil], ["id": "12025550100@s.whatsapp.net", "admin": "superadmin"],
    ]
}

/// The account behind a session, numbers, contacts and groups. Session key.
struct WasenderDirectoryRoutes: SandboxRoutes {
    let core: SandboxCore

    func add(to group: RouterGroup<SandboxRequestContext>) {
        addAccount(to: group)
        addContacts(to: group)
        addGroups(to: group)
    }

    private func addAccount(to group: RouterGroup<SandboxRequestContext>) {
        let status: @Sendable (Request, SandboxRequestContext) async throws -> Response = { request, context in
            try await self.answer(request, context, path: .status) { state, id, now in
                let status = state.sessions[id].map { state.visibleStatus(of: $0, at: now) } ?? .disconnected
                return .json(["status": .string(status.rawValue)])
            }
        }
        group.get("status", use: status)
        // The spelling of published SDKs. Which session is meant follows from the key.
        group.get("sessions/:id/status", use: status)
        group.get("user") { request, context in
            try await self.answer(request, context) { state, id, _ in
                guard let session = state.sessions[id] else { return WasenderAnswer.notFound("Session") }
                let number = session.settings.phoneNumber
                return WasenderAnswer.success([
                    "id": .string(WasenderContent.jid(of: number)),
                    "lid": .string(WasenderContent.linkedID(of: number)),
                    "name": .string(session.settings.name),
                ])
            }
        }
    }

    private func addContacts(to group: RouterGroup<SandboxRequestContext>) {
        let prefix = core.configuration.purposefulPrefix
        group.get("on-whatsapp/:id") { request, context in
            let id = self.parameter("id", of: context)
            return try await self.answer(request, context, limit: .numbers) { _, _, _ in
                let exists = PurposefulNumber(recipient: id, prefix: prefix) != .unknown
                return WasenderAnswer.success(["exists": .bool(exists)])
            }
        }
        add("contacts", to: group) { _ in .array([WasenderDirectory.contact("+12025550123")]) }
        add("contacts/:id", to: group, WasenderDirectory.contact)
        let picture: @Sendable (String) -> JSONValue = { _ in ["imgUrl": nil] }
        add("contacts/:id/picture", to: group, limit: .numbers, picture)
        // The spelling of published SDKs.
        add("contacts/:id/profile-picture", to: group, limit: .numbers, picture)
        add("contacts/:id/block", to: group, method: .post) { _ in ["message": "Contact blocked"] }
        add("contacts/:id/unblock", to: group, method: .post) { _ in ["message": "Contact unblocked"] }
        add("lid-from-pn/:id", to: group) { ["lid": .string(WasenderContent.linkedID(of: $0))] }
        add("pn-from-lid/:id", to: group) { _ in ["pn": .string(WasenderDirectory.groupMember)] }
        add("fetch-username/:id", to: group) { ["jid": .string(WasenderContent.jid(of: $0)), "username": nil] }
    }

    private func addGroups(to group: RouterGroup<SandboxRequestContext>) {
        add("groups", to: group) { _ in .array([.object(WasenderDirectory.summary(WasenderDirectory.group))]) }
        add("groups", to: group, method: .post) { _ in .object(WasenderDirectory.summary(WasenderDirectory.group)) }
        add("groups/:id/metadata", to: group, limit: .groups) { id in
            var data = WasenderDirectory.summary(id)
            data["subject"] = "Example group"
            data["creation"] = 1_735_689_600
            data["owner"] = "12025550100@s.whatsapp.net"
            data["size"] = 2
            data["participants"] = WasenderDirectory.participants
            return .object(data)
        }
        add("groups/:id/participants", to: group, limit: .groups) { _ in WasenderDirectory.participants }
        for change in ["add", "remove"] {
            add("groups/:id/participants/\(change)", to: group, method: .post) { _ in Self.changed }
        }
        add("groups/:id/participants/update", to: group, method: .put) { _ in Self.changed }
        add("groups/:id/settings", to: group, method: .put) { _ in ["subject": "Example group", "description": nil] }
        add("groups/:id/leave", to: group, method: .post) { _ in ["message": "Left the group"] }
        add("groups/:id/invite-link", to: group) { _ in ["link": "https://chat.whatsapp.com/sandbox"] }
        add("groups/:id/picture", to: group) { _ in ["url": nil] }
        add("groups/invite/accept", to: group, method: .post) { _ in ["groupJid": .string(WasenderDirectory.group)] }
        add("groups/invite/:id", to: group) { code in
            [
                "groupJid": .string(WasenderDirectory.group), "inviteCode": .string(code), "subject": "Example group",
                "size": 2,
            ]
        }
    }

    private static let changed: JSONValue = [
        ["status": 200, "jid": .string(WasenderDirectory.groupMember), "message": "Success"]
    ]

    /// Adds a route whose answer depends on nothing but the `id` in its path.
    private func add(
        _ path: RouterPath, to group: RouterGroup<SandboxRequestContext>, method: HTTPRequest.Method = .get,
        limit: LookupLimit? = nil, _ data: @escaping @Sendable (String) -> JSONValue
    ) {
        group.on(path, method: method) { request, context in
            let id = self.parameter("id", of: context)
            return try await self.answer(request, context, limit: limit) { _, _, _ in
                WasenderAnswer.success(data(id))
            }
        }
    }
}
