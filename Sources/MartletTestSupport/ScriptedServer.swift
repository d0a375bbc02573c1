import Foundation
import Synchronization

/// An HTTP server on a loopback socket that answers as it is told, breaks off as it is told, and remembers what it was
/// asked.
///
/// It is made of plain sockets, because it has to do what no HTTP library does: reset, stop in mid-answer, send
/// garbage.
package final class ScriptedServer: Sendable {
    package enum Reply: Sendable {
        case answer(Int, headers: [String: String] = [:], String)
        /// Sends these bytes, then closes.
        case raw(String)
        /// Sends these bytes, then nothing more.
        case stall(String)
        /// Closes as soon as the connection is there.
        case closeAtOnce
        /// Sends these bytes as soon as the connection is there, unasked, and nothing more.
        case speakFirst(String)
        /// Reads the request, then closes.
        case closeAfterReading
        /// Reads the request, then resets the connection.
        case resetAfterReading
        /// Reads the request and never answers.
        case silence
    }

    package struct Request: Sendable {
        package var method: String
        package var path: String
        /// By lower-case name, in the order they came.
        package var headers: [(name: String, value: String)]
        package var bytes: [UInt8]

        package var text: String { String(decoding: bytes, as: UTF8.self) }

        /// The first header of that lower-case name.
        package func header(_ name: String) -> String? { headers.first { $0.name == name }?.value }
    }

    private struct State {
        /// What is still to be answered, where that does not depend on the requests.
        var replies: [Reply]
        var requests: [Request] = []
        var connections: Set<Int32> = []
        var connectionCount = 0
        var isStopped = false
    }

    package let port: UInt16
    private let listener: Int32
    private let respond: @Sendable (Request) -> Reply
    private let state: Mutex<State>

    /// - parameter replies: one for each request, in order; the last one repeats.
    package convenience init(_ replies: [Reply]) {
        precondition(!replies.isEmpty)
        self.init(port: 0, replies: replies) { _ in replies[replies.count - 1] }
    }

    /// - Parameters:
    ///   - port: 0 for any that is free.
    ///   - respond: what is answered to a request. It has no say before there is one.
    package convenience init(port: UInt16 = 0, _ respond: @escaping @Sendable (Request) -> Reply) {
        self.init(port: port, replies: [], respond)
    }

    private init(port: UInt16, replies: [Reply], _ respond: @escaping @Sendable (Request) -> Reply) {
        self.respond = respond
        state = Mutex(State(replies: replies))
        (listener, self.port) = Self.listener(port: port)
        Thread.detachNewThread { [self] in acceptUntilStopped() }
    }

    package var requests: [Request] { state.withLock(\.requests) }
    package var connectionCount: Int { state.withLock(\.connectionCount) }

    /// Closes all connections and takes no more.
    package func stop() {
        state.withLock { state in
            guard !state.isStopped else { return }
            state.isStopped = true
            shutdown(listener, Int32(SHUT_RDWR))
            for connection in state.connections { shutdown(connection, Int32(SHUT_RDWR)) }
        }
    }

    /// A listening socket.
    /// - parameter port: 0 for any that is free.
    package static func listener(port: UInt16 = 0, backlog: Int32 = 64) -> (descriptor: Int32, port: UInt16) {
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
                precondition(listen(descriptor, backlog) == 0)
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
                guard !state.isStopped else { return false }
                state.connections.insert(connection)
                state.connectionCount += 1
                return true
            }
            guard isWelcome else {
                close(connection)
                break
            }
            Thread.detachNewThread { [self] in
                serve(connection)
                // Under the lock, so that none is shut down whose number another has by then.
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
        while true {
            switch state.withLock(\.replies.first) {
            case .closeAtOnce: return
            case .speakFirst(let text): guard write(text, to: connection) else { return }
            default: break
            }
            guard let request = readRequest(connection, &received) else { return }
            switch reply(to: request) {
            case .answer(let status, let headers, let body):
                var head = "HTTP/1.1 \(status) Status\r\nContent-Length: \(body.utf8.count)\r\n"
                for (name, value) in headers { head += "\(name): \(value)\r\n" }
                guard write(head + "\r\n" + body, to: connection) else { return }
            case .raw(let text):
                _ = write(text, to: connection)
                return
            case .closeAtOnce, .closeAfterReading: return
            case .resetAfterReading:
                var atOnce = linger(l_onoff: 1, l_linger: 0)
                setsockopt(connection, SOL_SOCKET, SO_LINGER, &atOnce, socklen_t(MemoryLayout<linger>.size))
                return
            case .stall(let text):
                guard write(text, to: connection) else { return }
                fallthrough
            case .silence, .speakFirst:
                var byte: UInt8 = 0
                while read(connection, &byte, 1) > 0 {}
                return
            }
        }
    }

    private func reply(to request: Request) -> Reply {
        let next = state.withLock { state in
            state.requests.append(request)
            return state.replies.count > 1 ? state.replies.removeFirst() : state.replies.first
        }
        return next ?? respond(request)
    }

    private func readRequest(_ connection: Int32, _ received: inout [UInt8]) -> Request? {
        let separator = Array("\r\n\r\n".utf8)
        while true {
            if let end = received.firstRange(of: separator) {
                var lines = String(decoding: received[..<end.lowerBound], as: UTF8.self).split(separator: "\r\n")
                let start = lines.removeFirst().split(separator: " ")
                let headers = lines.compactMap { line -> (name: String, value: String)? in
                    guard let colon = line.firstIndex(of: ":") else { return nil }
                    return (line[..<colon].lowercased(), String(line[line.index(after: colon)...].drop { $0 == " " }))
                }
                let length = headers.first { $0.name == "content-length" }.flatMap { Int($0.value) } ?? 0
                if received.count - end.upperBound >= length {
                    let bytes = Array(received[end.upperBound..<end.upperBound + length])
                    received.removeFirst(end.upperBound + length)
                    return Request(method: String(start[0]), path: String(start[1]), headers: headers, bytes: bytes)
                }
            }
            var chunk = [UInt8](repeating: 0, count: 65536)
            let count = read(connection, &chunk, chunk.count)
            guard count > 0 else { return nil }
            received += chunk[..<count]
        }
    }

    private func write(_ text: String, to connection: Int32) -> Bool {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { return false }
            bytes = bytes.dropFirst(count)
        }
        return true
    }
}
