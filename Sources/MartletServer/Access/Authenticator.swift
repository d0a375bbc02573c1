import Crypto
import Hummingbird
import Martlet

/// Who may call a route.
enum Access: Sendable {
    case anybody
    /// A tenant, with one of its keys.
    case tenant
    /// The operator, with the admin token.
    case administrator
    case tenantOrAdministrator
}

/// Who calls.
enum Caller: Sendable, Equatable {
    case nobody
    case tenant(TenantID)
    case administrator
}

/// Tells who calls, by the bearer token (RFC 6750).
struct Authenticator: Sendable {
    private let directory: Directory
    private let adminTokenHash: [UInt8]

    init(directory: Directory, adminTokenHash: [UInt8]) {
        self.directory = directory
        self.adminTokenHash = adminTokenHash
    }

    /// - throws: 401 without a valid key, 403 with one of the wrong sort.
    func caller(of request: Request, for access: Access) async throws -> Caller {
        if case .anybody = access { return .nobody }
        guard let token = Self.bearerToken(request.headers[.authorization]) else {
            throw Self.unauthenticated("The header Authorization must be: Bearer KEY.", challenge: "Bearer")
        }
        let caller = try await identify(token)
        switch (access, caller) {
        case (_, .nobody):
            throw Self.unauthenticated("The key is not valid.", challenge: "Bearer error=\"invalid_token\"")
        case (.tenant, .administrator):
            throw Problem(
                .forbidden, "The admin token does not reach a tenant's messages; use one of the tenant's keys.")
        case (.administrator, .tenant):
            throw Problem(.forbidden, "Only the admin token may do this.")
        default: return caller
        }
    }

    private func identify(_ token: String) async throws -> Caller {
        // Tenants first: theirs is the hot path, and a text that cannot be a tenant's key costs nothing here.
        if let key = try await directory.authenticate(token) { return .tenant(key.tenantID) }
        return isAdministrator(token) ? .administrator : .nobody
    }

    /// The token is compared as its hash, in constant time, so that the duration tells nothing of it.
    private func isAdministrator(_ token: String) -> Bool {
        constantTimeEquals(Array(SHA256.hash(data: Array(token.utf8))), adminTokenHash)
    }

    private static func unauthenticated(_ detail: String, challenge: String) -> Problem {
        Problem(.unauthenticated, detail, headers: [.wwwAuthenticate: challenge])
    }

    /// The token of a header's value; the scheme's name is not case-sensitive (RFC 9110, section 11.1).
    static func bearerToken(_ header: String?) -> String? {
        guard let header, header.utf8.count <= 1024, header.prefix(7).lowercased() == "bearer " else { return nil }
        let token = header.dropFirst(7).drop { $0 == " " }
        guard !token.isEmpty, token.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else { return nil }
        return String(token)
    }
}
