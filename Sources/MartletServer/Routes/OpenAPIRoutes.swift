import Hummingbird
import Martlet

/// The API's own description.
struct OpenAPIRoutes: Sendable {
    let configuration: ServerConfiguration
    let address: PublicAddress

    /// What is served.
    var routes: [Route] {
        [
            .get("/openapi.json", .anybody) { _ in
                .json(
                    OpenAPIDocument.value(
                        version: configuration.version, url: address.url, roles: configuration.roles,
                        hasMetricsToken: configuration.metricsToken != nil))
            }
        ]
    }
}
