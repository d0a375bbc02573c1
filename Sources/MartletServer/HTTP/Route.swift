import Hummingbird
import Martlet

/// One thing the server does: a method on a path, for some callers.
struct Route: Sendable {
    typealias Handler = @Sendable (Exchange) async throws -> Response

    var method: HTTPRequest.Method
    /// The path as OpenAPI writes it, parameters in braces.
    var template: String
    var access: Access
    var handler: Handler

    /// A route that reads.
    static func get(_ template: String, _ access: Access, _ handler: @escaping Handler) -> Route {
        Route(method: .get, template: template, access: access, handler: handler)
    }

    /// A route that creates or commands.
    static func post(_ template: String, _ access: Access, _ handler: @escaping Handler) -> Route {
        Route(method: .post, template: template, access: access, handler: handler)
    }

    /// A route that changes.
    static func patch(_ template: String, _ access: Access, _ handler: @escaping Handler) -> Route {
        Route(method: .patch, template: template, access: access, handler: handler)
    }

    /// A route that removes.
    static func delete(_ template: String, _ access: Access, _ handler: @escaping Handler) -> Route {
        Route(method: .delete, template: template, access: access, handler: handler)
    }
}

/// A request whose caller is known.
struct Exchange: Sendable {
    var request: Request
    var parameters: Parameters
    var caller: Caller

    /// The tenant that calls, on a route for tenants.
    var tenant: TenantID {
        get throws {
            guard case .tenant(let tenant) = caller else { throw Problem(.forbidden, "Only a tenant may do this.") }
            return tenant
        }
    }

    /// The id in the path.
    /// - throws: 404 for what cannot be one, just as for one that does not exist.
    func identifier<Kind>(_ name: String, _ kind: Kind.Type = Kind.self) throws -> Identifier<Kind> {
        guard let text = parameters.get(name), let id = Identifier<Kind>(text) else { throw Problem.notFound }
        return id
    }

    /// Refuses every query parameter, on a route that has none.
    func refuseQuery() throws { _ = try QueryReader(request.uri, known: []) }
}

/// All routes of a server.
struct RouteTable: Sendable {
    let routes: [Route]
    private let segments: [(template: [Substring], method: HTTPRequest.Method)]

    init(_ routes: [Route]) {
        self.routes = routes
        segments = routes.map { (Self.split($0.template), $0.method) }
    }

    /// Puts the routes into a router that knows who calls before it runs one.
    func register(on router: Router<ServerContext>, authenticator: Authenticator) {
        for route in routes {
            router.on(RouterPath(route.template), method: route.method) { request, context -> Response in
                let caller = try await authenticator.caller(of: request, for: route.access)
                return try await route.handler(
                    Exchange(request: request, parameters: context.parameters, caller: caller))
            }
        }
    }

    /// The methods a path has, or none when there is no such path. A path that is spelled out is no other's parameter.
    func methods(at path: String) -> [String] {
        let parts = Self.split(path)
        let fitting = segments.filter { segment in
            segment.template.count == parts.count
                && zip(segment.template, parts).allSatisfy { $0.hasPrefix("{") || $0 == $1 }
        }
        let spelledOut = fitting.filter { $0.template == parts }
        var methods: Set<String> = []
        for (_, method) in spelledOut.isEmpty ? fitting : spelledOut {
            methods.insert(method.rawValue)
            if method == .get { methods.insert(HTTPRequest.Method.head.rawValue) }
        }
        return methods.sorted()
    }

    private static func split(_ path: String) -> [Substring] { path.split(separator: "/") }
}
