import HTTPTypes
import Hummingbird
import NIOCore

/// Gives the refusals of the router and of body reading the shape that the API's own have.
struct AnswerEverything: RouterMiddleware {
    typealias Context = SandboxRequestContext

    func handle(
        _ request: Request, context: Context, next: @concurrent (Request, Context) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch let error as HTTPError {
            let text = error.status == .notFound ? "The route could not be found." : error.status.reasonPhrase
            return WireAnswer.json(["success": false, "message": .string(text)], status: error.status).response
        } catch is NIOTooManyBytesError {
            return WireAnswer.json(
                ["success": false, "message": "The request body is too large."], status: .contentTooLarge
            ).response
        }
    }
}
