import Hummingbird
import Martlet

/// A refusal, as RFC 9457 has it: `application/problem+json`.
package struct Problem: Error, Sendable {
    /// What went wrong, in general. The `type` never changes for one kind; it names the kind and leads nowhere.
    struct Kind: Sendable {
        let name: String
        let title: String
        let status: HTTPResponse.Status

        static let malformed = Kind(name: "malformed", title: "The request cannot be read", status: .badRequest)
        static let badParameter = Kind(
            name: "bad-parameter", title: "A query parameter is not acceptable", status: .badRequest)
        static let unauthenticated = Kind(
            name: "unauthenticated", title: "A valid key is required", status: .unauthorized)
        static let forbidden = Kind(name: "forbidden", title: "The key does not reach that far", status: .forbidden)
        static let notFound = Kind(name: "not-found", title: "There is no such thing", status: .notFound)
        static let methodNotAllowed = Kind(
            name: "method-not-allowed", title: "That method is not possible here", status: .methodNotAllowed)
        static let conflict = Kind(
            name: "conflict", title: "The request does not fit the present state", status: .conflict)
        static let tooLarge = Kind(name: "too-large", title: "The body is too large", status: .contentTooLarge)
        static let unsupportedMediaType = Kind(
            name: "unsupported-media-type", title: "The body must be JSON", status: .unsupportedMediaType)
        static let invalid = Kind(
            name: "invalid", title: "The request breaks a rule", status: .unprocessableContent)
        static let failed = Kind(
            name: "internal", title: "The server failed", status: .internalServerError)
        static let providerFailed = Kind(
            name: "provider-failed", title: "The provider did not do it", status: .badGateway)
        static let unavailable = Kind(
            name: "unavailable", title: "The server cannot take this now", status: .serviceUnavailable)
    }

    /// Errors named in one answer at most.
    static let errorsMax = 50

    var kind: Kind
    /// What went wrong this time.
    var detail: String
    var errors: [FieldError] = []
    var headers = HTTPFields()

    init(_ kind: Kind, _ detail: String, errors: [FieldError] = [], headers: HTTPFields = HTTPFields()) {
        self.kind = kind
        self.detail = detail
        self.errors = errors
        self.headers = headers
    }

    /// The problem object of RFC 9457, with `errors` where single fields are to blame.
    var object: JSONObject {
        var object: JSONObject = [
            "type": .string("urn:martlet:problem:\(kind.name)"), "title": .string(kind.title),
            "status": .integer(Int64(kind.status.code)), "detail": .string(detail),
        ]
        if !errors.isEmpty {
            object["errors"] = .array(
                errors.prefix(Self.errorsMax).map { ["pointer": .string($0.pointer), "message": .string($0.message)] })
        }
        return object
    }

    /// The refusal as it is sent.
    var response: Response {
        var headers = headers
        headers[.contentType] = "application/problem+json"
        return Response(
            status: kind.status, headers: headers,
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: JSONValue.object(object).encoded())))
    }
}

extension Problem: HTTPResponseError {
    package var status: HTTPResponse.Status { kind.status }

    package func response(from request: Request, context: some RequestContext) throws -> Response { response }
}

extension Problem {
    /// 404, in the same words whatever is missing, so that nobody learns what is another's.
    static let notFound = Problem(.notFound, "There is nothing at this address.")

    /// A body that was understood and breaks the rules.
    static func invalid(_ errors: [FieldError]) -> Problem {
        let named = errors.count == 1 ? "One field is" : "\(errors.count) fields are"
        return Problem(.invalid, "\(named) not as required.", errors: errors)
    }

    /// What a store's failure looks like from outside: what passes by itself says when to come back, everything else
    /// tells nothing of the inside.
    static func store(_ error: StoreError) -> Problem {
        if error.code == .conflict { return Problem(.conflict, "There is one of that name already.") }
        guard error.isRetriable else { return .failed }
        return .unavailable(detail: "The store cannot take this now: \(error.code.name). Nothing was stored.")
    }

    /// 503, with a second to wait.
    static func unavailable(detail: String) -> Problem {
        Problem(.unavailable, detail, headers: [.retryAfter: "1"])
    }

    /// 500, which tells nothing of the inside.
    static let failed = Problem(.failed, "Something went wrong inside; the server's log has the details.")
}
