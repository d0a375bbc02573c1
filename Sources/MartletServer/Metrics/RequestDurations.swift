import HTTPTypes
import Synchronization

/// How long requests took, by route, method and class of status.
final class RequestDurations: Sendable {
    private struct Key: Hashable, Sendable {
        var route: String
        var method: String
        var statusClass: Int
    }

    private let registry: PrometheusRegistry
    /// The series by what they are about, so that a request neither builds labels nor searches the registry.
    private let series = Mutex<[Key: MetricSeries]>([:])

    init(registry: PrometheusRegistry) { self.registry = registry }

    /// - Parameters:
    ///   - route: the route's template, never the path.
    ///   - method: as ``label(of:)`` names it.
    ///   - status: the answer's status code.
    func observe(_ duration: Duration, route: String, method: String, status: Int) {
        let key = Key(route: route, method: method, statusClass: status / 100)
        let series = series.withLock { known in
            if let series = known[key] { return series }
            let made = registry.series(
                MetricCatalogue.httpRequestDuration,
                [
                    MetricFamily.Label(name: "route", value: route), MetricFamily.Label(name: "method", value: method),
                    MetricFamily.Label(name: "status", value: "\(key.statusClass)xx"),
                ], otherwise: .histogram)
            known[key] = made
            return made
        }
        series.observe(duration.seconds)
    }

    /// Methods are the caller's to invent; labels must stay few.
    static func label(of method: HTTPRequest.Method) -> String {
        switch method {
        case .get, .head, .post, .put, .patch, .delete, .options: method.rawValue
        default: "other"
        }
    }
}
