import HTTPTypes
import Hummingbird
import NIOCore

/// An answer as a wire format has it, before it is an HTTP response.
struct WireAnswer: Sendable {
    var status: HTTPResponse.Status
    var body: ByteBuffer
    var isJSON = true
    var headers: HTTPFields = [:]

    /// An answer with a JSON body.
    static func json(_ value: JSONValue, status: HTTPResponse.Status = .ok) -> WireAnswer {
        WireAnswer(status: status, body: value.encoded)
    }

    /// An answer without a body.
    static let noContent = WireAnswer(status: .noContent, body: ByteBuffer())

    /// The HTTP response.
    var response: Response {
        var headers = headers
        guard status != .noContent else { return Response(status: status, headers: headers) }
        headers[.contentType] = isJSON ? "application/json" : "text/html; charset=utf-8"
        headers[.contentLength] = String(body.readableBytes)
        return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: body))
    }
}
