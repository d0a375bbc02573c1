import Hummingbird
import Logging
import Martlet

/// Stands around every route: turns what is thrown into problem documents, measures, and writes one line a request.
///
/// The line has the route's template, never the path: paths hold webhook tokens, and query strings phone numbers.
struct RequestObserver: RouterMiddleware {
    typealias Context = ServerContext

    let table: RouteTable
    let durations: RequestDurations
    let time: any TimeSource

    func handle(
        _ request: Request, context: ServerContext, next: @concurrent (Request, ServerContext) async throws -> Response
    ) async throws -> Response {
        let start = time.monotonicNow()
        let response: Response
        do {
            response = try await next(request, context)
        } catch {
            response = problem(for: error, request, context).response
        }
        let duration = time.monotonicNow() - start
        let template = context.endpointPath.flatMap { $0 == "NotFound" ? nil : $0 } ?? "unmatched"
        let method = RequestDurations.label(of: request.method)
        durations.observe(duration, route: template, method: method, status: response.status.code)
        context.logger.debug(
            "request",
            metadata: [
                "method": "\(method)", "route": "\(template)",
                "status": "\(response.status.code)", "milliseconds": "\(duration.milliseconds)",
            ])
        return response
    }

    private func problem(for error: any Error, _ request: Request, _ context: ServerContext) -> Problem {
        switch error {
        case let problem as Problem: return problem
        case let error as StoreError:
            let problem = Problem.store(error)
            if problem.kind.status == .internalServerError {
                context.logger.error("the store failed", metadata: ["reason": "\(error)"])
            }
            return problem
        case let error as any HTTPResponseError where error.status == .notFound:
            let methods = table.methods(at: request.uri.path)
            guard !methods.isEmpty else { return .notFound }
            let allowed = methods.joined(separator: ", ")
            return Problem(.methodNotAllowed, "Here one can only \(allowed).", headers: [.allow: allowed])
        case is CancellationError:
            return .unavailable(detail: "The server is shutting down.")
        default:
            context.logger.error("a request failed", metadata: ["reason": "\(type(of: error))"])
            return .failed
        }
    }
}
