import Hummingbird
import Martlet

extension Response {
    /// A JSON answer.
    static func json(_ value: JSONValue, status: HTTPResponse.Status = .ok, headers: HTTPFields = [:]) -> Response {
        json(bytes: value.encoded(), status: status, headers: headers)
    }

    /// A JSON answer that is written already.
    static func json(bytes: [UInt8], status: HTTPResponse.Status = .ok, headers: HTTPFields = [:]) -> Response {
        var headers = headers
        headers[.contentType] = "application/json"
        return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
    }

    /// Done, with nothing to say.
    static let noContent = Response(status: .noContent)
}

extension JSONValue {
    /// The shape of every list: `{"data": […], "next_cursor": …}`.
    static func list(_ elements: [JSONValue], nextCursor: String?) -> JSONValue {
        ["data": .array(elements), "next_cursor": .optional(nextCursor)]
    }
}
