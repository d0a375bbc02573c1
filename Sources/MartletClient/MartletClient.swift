import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix

/// A client of Martlet's HTTP API.
///
/// Every call either returns what the server answered or throws a ``ClientError``. Nothing is tried a second time here:
/// whether a repetition is safe is the caller's to know (an idempotency key makes it so).
package struct MartletClient: Sendable {
    /// What a call gave: the value, and the answer's own JSON for those who pass it on.
    package struct Answer<Value: Sendable>: Sendable {
        package var value: Value
        package var body: [UInt8]
        package var status: Int
        /// Whether the server says that it had taken this request before.
        package var isReplay: Bool
    }

    /// The most an answer may hold, in bytes.
    static let bodyBytesMax = 32 << 20

    /// The connections of clients that bring none of their own. A server that is not there is told at once, not after
    /// half a minute of trying; never shut down, as it lives as long as the process.
    private static let sharedHTTP: HTTPClient = {
        var configuration = HTTPClient.Configuration()
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.timeout.connect = .seconds(10)
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }()

    let base: String
    private let key: String?
    let http: HTTPClient
    private let timeout: TimeAmount

    /// - Parameters:
    ///   - url: where the server listens, such as `http://127.0.0.1:8080`.
    ///   - key: a tenant's key or the operator's token.
    ///   - http: whose connections to use; nil takes those all clients of the process share.
    ///   - timeout: the longest one call may take.
    /// - throws: ``ClientError/Code/invalidAddress``.
    package init(url: String, key: String?, http: HTTPClient? = nil, timeout: Duration = .seconds(30))
        throws(ClientError)
    {
        guard let parts = URLComponents(string: url), parts.scheme == "http" || parts.scheme == "https",
            let host = parts.host, !host.isEmpty, parts.query == nil, parts.fragment == nil
        else {
            throw ClientError(.invalidAddress, "\"\(url)\" is not an address such as http://127.0.0.1:8080")
        }
        base = String(url.reversed().drop { $0 == "/" }.reversed())
        self.key = key
        self.http = http ?? Self.sharedHTTP
        self.timeout = .nanoseconds(
            timeout.components.seconds * 1_000_000_000 + timeout.components.attoseconds / 1_000_000_000)
    }

    // MARK: Calls

    func request(_ method: HTTPMethod, _ path: String, query: [(String, String)] = []) -> HTTPClientRequest {
        var url = base + path
        for (index, (name, value)) in query.enumerated() {
            url += (index == 0 ? "?" : "&") + name + "=" + Self.escaped(value)
        }
        var request = HTTPClientRequest(url: url)
        request.method = method
        request.headers.add(name: "accept", value: "application/json")
        if let key { request.headers.add(name: "authorization", value: "Bearer \(key)") }
        return request
    }

    /// A text as one part of a path or a query.
    static func escaped(_ text: String) -> String {
        let plain = CharacterSet(charactersIn: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
        return text.addingPercentEncoding(withAllowedCharacters: plain) ?? ""
    }

    func call<Value: Decodable & Sendable>(
        _ method: HTTPMethod, _ path: String, query: [(String, String)] = [], body: (any Encodable)? = nil,
        headers: [(String, String)] = [], accepting accepted: ClosedRange<Int> = 200...299,
        as type: Value.Type = Value.self
    ) async throws(ClientError) -> Answer<Value> {
        let answer = try await perform(method, path, query: query, body: body, headers: headers, accepting: accepted)
        do {
            let value = try JSONDecoder().decode(Value.self, from: Data(answer.body))
            return Answer(value: value, body: answer.body, status: answer.status, isReplay: answer.isReplay)
        } catch {
            throw ClientError(
                .unexpectedAnswer,
                "\(base) answered \(method.rawValue) \(path) with something that cannot be read: \(error)",
                status: answer.status)
        }
    }

    /// A call whose answer has no body worth reading.
    func callWithoutValue(_ method: HTTPMethod, _ path: String) async throws(ClientError) {
        _ = try await perform(method, path, query: [], body: nil, headers: [], accepting: 200...299)
    }

    private func perform(
        _ method: HTTPMethod, _ path: String, query: [(String, String)], body: (any Encodable)?,
        headers: [(String, String)], accepting accepted: ClosedRange<Int>
    ) async throws(ClientError) -> Answer<Void> {
        var request = request(method, path, query: query)
        for (name, value) in headers { request.headers.replaceOrAdd(name: name, value: value) }
        if let body {
            do {
                request.body = .bytes(ByteBuffer(bytes: try JSONEncoder().encode(body)))
            } catch {
                throw ClientError(.refused, "the request cannot be written as JSON: \(error)")
            }
            request.headers.replaceOrAdd(name: "content-type", value: "application/json")
        }
        let response: HTTPClientResponse
        let bytes: [UInt8]
        do {
            response = try await http.execute(request, timeout: timeout)
            bytes = Array(buffer: try await response.body.collect(upTo: Self.bodyBytesMax))
        } catch {
            throw unreachable(error)
        }
        let status = Int(response.status.code)
        guard accepted.contains(status) else { throw refusal(response, bytes) }
        return Answer(
            value: (), body: bytes, status: status,
            isReplay: response.headers.first(name: "idempotent-replayed") == "true")
    }

    func unreachable(_ error: any Error) -> ClientError {
        var reason = "\(error)"
        switch error {
        case let error as HTTPClientError where error == .connectTimeout || error == .deadlineExceeded:
            reason = "no answer in time"
        case let error as HTTPClientError where error == .remoteConnectionClosed: reason = "the connection was closed"
        case is NIOConnectionError: reason = "nobody listens there"
        case let error as IOError where error.errnoCode == ECONNREFUSED: reason = "nobody listens there"
        case let error as IOError: reason = "\(String(cString: strerror(error.errnoCode)))"
        default: break
        }
        return ClientError(.unreachable, "cannot reach \(base): \(reason)")
    }

    func refusal(_ response: HTTPClientResponse, _ bytes: [UInt8]) -> ClientError {
        let status = Int(response.status.code)
        let problem = try? JSONDecoder().decode(Problem.self, from: Data(bytes))
        var summary = problem?.summary ?? ""
        if summary.isEmpty { summary = response.status.reasonPhrase }
        return ClientError(
            .refused, "the server answers \(status): \(summary)", status: status, problem: problem,
            retryAfter: response.headers.first(name: "retry-after").flatMap(Int.init))
    }
}
