import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1

/// A message whose status has just changed.
package struct StatusChange: Sendable {
    /// The message as it is now.
    package var message: MessageRecord
    /// The event's own JSON.
    package var body: [UInt8]
}

extension MartletClient {
    /// Calls back for each status change as it happens, from now on, until the server ends the stream or the callback says
    /// that it has seen enough. The server forgets at once: what happens while nobody listens is in the log alone.
    /// - Parameters:
    ///   - opened: called once the server has begun to tell.
    ///   - handle: answers whether to go on.
    package func followStatusChanges(
        opened: () async throws -> Void = {}, _ handle: (StatusChange) async throws -> Bool
    ) async throws {
        var request = request(.GET, "/v1/events")
        request.headers.replaceOrAdd(name: "accept", value: "text/event-stream")
        let response: HTTPClientResponse
        do {
            // A stream has no end that a time-out could be measured by.
            response = try await http.execute(request, deadline: .distantFuture)
        } catch {
            throw unreachable(error)
        }
        guard response.status == .ok else {
            let bytes = (try? await response.body.collect(upTo: Self.bodyBytesMax)).map { Array(buffer: $0) } ?? []
            throw refusal(response, bytes)
        }
        try await opened()
        var parser = ServerSentEventParser()
        for try await piece in response.body {
            for event in try parser.read(piece.readableBytesView) where event.name == "status" {
                let body = Array(event.data.utf8)
                let message = try JSONDecoder().decode(MessageRecord.self, from: Data(body))
                guard try await handle(StatusChange(message: message, body: body)) else { return }
            }
        }
    }
}
