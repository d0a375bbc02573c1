#if SQS
    import Foundation
    import Martlet
    import Synchronization

    /// An HTTP server on a loopback socket that answers each request as it is told and remembers what it was asked. It is made
    /// of plain sockets, because it has to break off and fall silent, too.
    final class ScriptedServer: Sendable {
        enum Reply: Sendable {
            case answer(Int, headers: [String: String] = [:], String)
            /// Reads the request, then closes the connection.
            case close
            /// Reads the request and never answers.
            case silence

            static func json(_ value: JSONValue) -> Reply { .answer(200, value.encodedText) }
            /// As AWS refuses.
            static func refusal(
                _ status: Int, _ code: String, _ message: String = "no", headers: [String: String] = [:]
            )
                -> Reply
            {
                let body: JSONValue = ["__type": .string("com.amazonaws.sqs#\(code)"), "message": .string(message)]
                return .answer(status, headers: headers, body.encodedText)
            }
        }

        struct Request: Sendable {
            var method: String
            var path: String
            /// By lower-case name, in the order they came.
            var headers: [(name: String, value: String)]
            var bytes: [UInt8]

            func header(_ name: String) -> String? { headers.first { $0.name == name }?.value }
            /// What is to be done, `SendMessageBatch` for instance.
            var action: String { String(header("x-amz-target")?.split(separator: ".").last ?? "") }
            var body: JSONValue { (try? JSONParser.value(bytes)) ?? .null }
            /// The last part of the queue's URL, or of its name.
            var queue: String {
                let name = (body["QueueUrl"] ?? body["QueueName"])?.stringValue ?? ""
                return String(name.split(whereSeparator: { $0 == "/" || $0 == "-" }).last ?? "")
            }
            var entries: [JSONValue] { body["Entries"]?.arrayValue ?? [] }
        }

        private struct State {
            var requests: [Request] = []
            var connections: Set<Int32> = []
            var isStopped = false
        }

        let port: UInt16
        private let listener: Int32
        private let respond: @Sendable (Request) -> Reply
        private let state = Mutex(State())

        /// - parameter port: 0 for any that is free.
        init(port: UInt16 = 0, _ respond: @escaping @Sendable (Request) -> Reply) {
            self.respond = respond
            (listener, self.port) = Self.listen(port: port)
            Thread.detachNewThread { [self] in acceptUntilStopped() }
        }

        var requests: [Request] { state.withLock(\.requests) }
        func requests(_ action: String) -> [Request] { requests.filter { $0.action == action } }
        var url: String { "sqs://127.0.0.1:\(port)/test?region=us-east-1&tls=false" }

        /// Closes all connections and takes no more.
        func stop() {
            state.withLock { state in
                guard !state.isStopped else { return }
                state.isStopped = true
                shutdown(listener, Int32(SHUT_RDWR))
                for connection in state.connections { shutdown(connection, Int32(SHUT_RDWR)) }
            }
        }

        private static func listen(port: UInt16) -> (descriptor: Int32, port: UInt16) {
            let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            precondition(descriptor >= 0)
            var yes: Int32 = 1
            setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = port.bigEndian
            address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
            var size = socklen_t(MemoryLayout<sockaddr_in>.size)
            withUnsafeMutablePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                    precondition(bind(descriptor, pointer, size) == 0)
                    precondition(Glibc.listen(descriptor, 64) == 0)
                    precondition(getsockname(descriptor, pointer, &size) == 0)
                }
            }
            return (descriptor, UInt16(bigEndian: address.sin_port))
        }

        private func acceptUntilStopped() {
            while true {
                let connection = accept(listener, nil, nil)
                guard connection >= 0 else { break }
                let isWelcome = state.withLock { state in
                    !state.isStopped && state.connections.insert(connection).inserted
                }
                guard isWelcome else {
                    close(connection)
                    break
                }
                Thread.detachNewThread { [self] in
                    serve(connection)
                    state.withLock { state in
                        state.connections.remove(connection)
                        close(connection)
                    }
                }
            }
            close(listener)
        }

        private func serve(_ connection: Int32) {
            var received: [UInt8] = []
            while let request = readRequest(connection, &received) {
                state.withLock { $0.requests.append(request) }
                switch respond(request) {
                case .answer(let status, let headers, let body):
                    var head = "HTTP/1.1 \(status) Status\r\nContent-Length: \(body.utf8.count)\r\n"
                    for (name, value) in headers { head += "\(name): \(value)\r\n" }
                    guard send(connection, head + "\r\n" + body) else { return }
                case .close: return
                case .silence:
                    var byte: UInt8 = 0
                    while read(connection, &byte, 1) > 0 {}
                    return
                }
            }
        }

        private func readRequest(_ connection: Int32, _ received: inout [UInt8]) -> Request? {
            let separator = Array("\r\n\r\n".utf8)
            while true {
                if let end = received.firstRange(of: separator) {
                    var lines = String(decoding: received[..<end.lowerBound], as: UTF8.self).components(
                        separatedBy: "\r\n")
                    let start = lines.removeFirst().split(separator: " ")
                    let headers = lines.map { line in
                        let parts = line.split(separator: ":", maxSplits: 1)
                        return (name: parts[0].lowercased(), value: String(parts[1].drop { $0 == " " }))
                    }
                    let length = headers.first { $0.name == "content-length" }.flatMap { Int($0.value) } ?? 0
                    if received.count - end.upperBound >= length {
                        let body = Array(received[end.upperBound..<end.upperBound + length])
                        received.removeFirst(end.upperBound + length)
                        return Request(
                            method: String(start[0]), path: String(start[1]), headers: headers, bytes: body)
                    }
                }
                var chunk = [UInt8](repeating: 0, count: 65536)
                let count = read(connection, &chunk, chunk.count)
                guard count > 0 else { return nil }
                received += chunk[..<count]
            }
        }

        private func send(_ connection: Int32, _ text: String) -> Bool {
            var bytes = Array(text.utf8)[...]
            while !bytes.isEmpty {
                let count = bytes.withUnsafeBytes {
                    Glibc.send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
                }
                guard count > 0 else { return false }
                bytes = bytes.dropFirst(count)
            }
            return true
        }
    }

    extension ScriptedServer.Request {
        /// What SQS answers when all is well: every queue is there, everything succeeds, and nothing waits.
        var usualReply: ScriptedServer.Reply {
            switch action {
            case "GetQueueUrl": .json(["QueueUrl": .string("http://elsewhere.example/1/test-\(queue)")])
            case "CreateQueue": .json(["QueueUrl": .string("http://elsewhere.example/1/test-\(queue)")])
            case "GetQueueAttributes": .json(["Attributes": ["QueueArn": .string("arn:aws:sqs:us-east-1:1:\(queue)")]])
            case "SendMessageBatch", "DeleteMessageBatch", "ChangeMessageVisibilityBatch":
                .json(["Successful": .array(entries.map { ["Id": $0["Id"] ?? .null] }), "Failed": []])
            default: .json([:])
            }
        }
    }

    /// Runs the body with a server, and stops it.
    func withServer(
        _ respond: @escaping @Sendable (ScriptedServer.Request) -> ScriptedServer.Reply,
        _ body: (ScriptedServer) async throws -> Void
    ) async throws {
        let server = ScriptedServer(respond)
        defer { server.stop() }
        try await body(server)
    }
#endif
