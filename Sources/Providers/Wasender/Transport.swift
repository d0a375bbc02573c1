import AsyncHTTPClient
import Martlet
import NIOCore
import Synchronization

/// One request to the provider and its answer, read to the end or given up.
struct Transport: Sendable {
    enum Method { case get, post }

    /// An answer is a few hundred bytes, a page of the message log some tens of thousands.
    static let answerBytesMax = 1 << 20

    let client: HTTPClient
    let userAgent: String

    /// Makes one request. The time-out covers waiting for a connection, setting it up, and the answer to its last byte.
    func exchange(
        _ method: Method, _ url: String, token: String, body: [UInt8]? = nil, timeout: Duration
    ) async throws(TransportFailure) -> Answer {
        let bodyWasAskedFor = Flag()
        do {
            // Who is cancelled already asks nothing: later it is a race with the connection.
            try Task.checkCancellation()
            var request = try HTTPClient.Request(url: url, method: method == .get ? .GET : .POST)
            request.headers.add(name: "Authorization", value: "Bearer " + token)
            request.headers.add(name: "Accept", value: "application/json")
            request.headers.add(name: "User-Agent", value: userAgent)
            if let body {
                request.headers.add(name: "Content-Type", value: "application/json")
                // The client asks for the body on its event loop, after the head, and no more once the request has
                // failed. So long as it did not ask, not a byte of the message has left.
                request.body = .stream(contentLength: Int64(body.count)) { writer in
                    bodyWasAskedFor.raise()
                    return writer.write(.byteBuffer(.init(bytes: body)))
                }
            }
            let task = client.execute(
                request: request,
                delegate: ResponseAccumulator(request: request, maxBodySize: Self.answerBytesMax),
                deadline: NIODeadline.now() + .microseconds(max(0, timeout.microseconds)))
            let response = try await withTaskCancellationHandler {
                try await task.get()
            } onCancel: {
                task.cancel()
            }
            var headers: [String: String] = [:]
            for name in Answer.headerNames { headers[name] = response.headers.first(name: name) }
            return Answer(
                status: Int(response.status.code), headers: headers,
                body: response.body.map { Array($0.readableBytesView) } ?? [])
        } catch {
            throw TransportFailure(error, mayHaveBeenWritten: bodyWasAskedFor.isRaised)
        }
    }
}

/// What came back.
package struct Answer: Sendable {
    /// The headers anything is read from; the rest is dropped.
    static let headerNames = [
        "content-type", "retry-after", "x-ratelimit-remaining", "x-ratelimit-reset", "x-ratelimit-daily-remaining",
        "x-ratelimit-daily-reset",
    ]

    package var status: Int
    /// By lower-case name.
    package var headers: [String: String]
    package var body: [UInt8]

    package init(status: Int, headers: [String: String], body: [UInt8]) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// Whether the status is one of the 200s.
    package var isSuccess: Bool { (200..<300).contains(status) }
}

/// Why there is no answer.
struct TransportFailure: Error, Sendable {
    /// In words, without anything secret: addresses and error names only.
    var detail: String
    /// Whether any of the body may have reached the provider. False is certain: nothing has.
    var mayHaveBeenWritten: Bool

    init(_ error: any Error, mayHaveBeenWritten: Bool) {
        self.mayHaveBeenWritten = mayHaveBeenWritten
        switch error {
        case is CancellationError: detail = "cancelled"
        case let error as HTTPClientError: detail = error.shortDescription
        case let error as ResponseAccumulator.ResponseTooBigError:
            detail = "the answer is larger than \(error.maxBodySize) bytes"
        default: detail = String(describing: error)
        }
    }
}

/// Set once, from any thread.
private final class Flag: Sendable {
    private let value = Atomic(false)
    func raise() { value.store(true, ordering: .releasing) }
    var isRaised: Bool { value.load(ordering: .acquiring) }
}

/// How much of a time-out is left for the next of several requests.
struct Patience: Sendable {
    private let end: ContinuousClock.Instant

    init(_ timeout: Duration) { end = .now + timeout }

    var left: Duration { max(.zero, ContinuousClock.now.duration(to: end)) }
}
