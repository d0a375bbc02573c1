import Foundation
import Synchronization

/// An HTTP server on a loopback socket that answers as it is told, breaks off as it is told, and remembers what it was
/// asked.
///
/// It is made of plain sockets, because it has to do what no HTTP library does: reset, stop in mid-answer, send
/// garbage.
final class ScriptedServer: Sendable {
    enum Reply: Sendable {
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

        static func json(_ status: Int, _ body: String, headers: [String: String] = [:]) -> Reply {
            .answer(status, headers: headers.merging(["Content-Type": "application/json"]) { $1 }, body)
        }
    }

    struct Request: Sendable {
        var method: String
        var path: String
        /// By lower-case name.
        var headers: [String: String]
        var body: String
    }

    private struct State {
        var replies: [Reply]
        var requests: [Request] = []
        var connections: Set<Int32> = []
        var connectionCount = 0
        var isStopped = false
    }

    let port: UInt16
    private let listener: Int32
    private let state: Mutex<State>

    /// - parameter replies: one for each request, in order; the last one repeats.
    init(_ replies: [Reply]) {
        state = Mutex(State(replies: replies))
        (listener, port) = Self.listen(backlog: 64)
        Thread.detachNewThread { [self] in acceptUntilStopped() }
    }

    var baseURL: String { "http://127.0.0.1:\(port)/api" }
    var requests: [Request] { state.withLock(\.requests) }
    var connectionCount: Int { state.withLock(\.connectionCount) }

    func stop() {
        state.withLock { state in
            state.isStopped = true
            shutdown(listener, Int32(SHUT_RDWR))
            for connection in state.connections { shutdown(connection, Int32(SHUT_RDWR)) }
        }
    }

    /// A listening socket on a free port.
    static func listen(backlog: Int32) -> (descriptor: Int32, port: UInt16) {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        precondition(descriptor >= 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                precondition(bind(descriptor, pointer, size) == 0)
                precondition(Glibc.listen(descriptor, backlog) == 0)
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
                _ = state.withLock { $0.connections.remove(connection) }
                close(connection)
            }
        }
        close(listener)
    }

    private func serve(_ connection: Int32) {
        var received: [UInt8] = []
        while true {
            switch nextReply() {
            case .closeAtOnce: return
            case .speakFirst(let text): guard send(connection, text) else { return }
            default: break
            }
            guard let request = readRequest(connection, &received) else { return }
            let reply = state.withLock { state in
                state.requests.append(request)
                return state.replies.count > 1 ? state.replies.removeFirst() : state.replies[0]
            }
            switch reply {
            case .answer(let status, let headers, let body):
                var head = "HTTP/1.1 \(status) Status\r\nContent-Length: \(body.utf8.count)\r\n"
                for (name, value) in headers { head += "\(name): \(value)\r\n" }
                guard send(connection, head + "\r\n" + body) else { return }
            case .raw(let text):
                _ = send(connection, text)
                return
            case .closeAtOnce, .closeAfterReading: return
            case .resetAfterReading:
                var linger = linger(l_onoff: 1, l_linger: 0)
                setsockopt(connection, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<Glibc.linger>.size))
                return
            case .stall(let text):
                guard send(connection, text) else { return }
                fallthrough
            case .silence, .speakFirst:
                var byte: UInt8 = 0
                while read(connection, &byte, 1) > 0 {}
                return
            }
        }
    }

    private func nextReply() -> Reply { state.withLock { $0.replies[0] } }

    private func readRequest(_ connection: Int32, _ received: inout [UInt8]) -> Request? {
        let separator = Array("\r\n\r\n".utf8)
        while true {
            if let end = received.firstRange(of: separator) {
                var lines = String(decoding: received[..<end.lowerBound], as: UTF8.self).split(separator: "\r\n")
                let start = lines.removeFirst().split(separator: " ")
                var headers: [String: String] = [:]
                for line in lines {
                    guard let colon = line.firstIndex(of: ":") else { continue }
                    headers[line[..<colon].lowercased()] = String(line[line.index(after: colon)...].drop { $0 == " " })
                }
                let length = Int(headers["content-length"] ?? "0") ?? 0
                if received.count - end.upperBound >= length {
                    let body = String(decoding: received[end.upperBound..<end.upperBound + length], as: UTF8.self)
                    received.removeFirst(end.upperBound + length)
                    return Request(method: String(start[0]), path: String(start[1]), headers: headers, body: body)
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
            let count = bytes.withUnsafeBytes { Glibc.send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { return false }
            bytes = bytes.dropFirst(count)
        }
        return true
    }
}
