/// One event of a `text/event-stream`.
package struct ServerSentEvent: Sendable, Equatable {
    /// `message` where the stream does not name it.
    package var name: String
    /// Its data lines, a line feed between them.
    package var data: String
}

/// Reads a `text/event-stream` as it arrives, in pieces of any size
/// (https://html.spec.whatwg.org/multipage/server-sent-events.html).
package struct ServerSentEventParser: Sendable {
    /// A longer line or event cannot be one of ours.
    package static let bytesMax = 1 << 20

    /// The stream holds a line or an event of more than ``bytesMax``.
    package struct TooLong: Error {}

    private var line: [UInt8] = []
    private var skipsLineFeed = false
    private var name = ""
    private var data: [UInt8] = []
    private var hasData = false

    package init() {}

    /// Takes the next piece; answers the events that are complete with it.
    package mutating func read(_ bytes: some Sequence<UInt8>) throws(TooLong) -> [ServerSentEvent] {
        var events: [ServerSentEvent] = []
        for byte in bytes {
            if skipsLineFeed {
                skipsLineFeed = false
                if byte == UInt8(ascii: "\n") { continue }
            }
            guard byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") else {
                guard line.count < Self.bytesMax else { throw TooLong() }
                line.append(byte)
                continue
            }
            skipsLineFeed = byte == UInt8(ascii: "\r")
            if let event = endLine() { events.append(event) }
            guard data.count <= Self.bytesMax else { throw TooLong() }
        }
        return events
    }

    private mutating func endLine() -> ServerSentEvent? {
        defer { line.removeAll(keepingCapacity: true) }
        guard !line.isEmpty else {
            defer {
                name = ""
                data = []
                hasData = false
            }
            guard hasData else { return nil }
            return ServerSentEvent(name: name.isEmpty ? "message" : name, data: String(decoding: data, as: UTF8.self))
        }
        let colon = line.firstIndex(of: UInt8(ascii: ":")) ?? line.endIndex
        let field = String(decoding: line[..<colon], as: UTF8.self)
        var value = line[colon...].dropFirst()
        if value.first == UInt8(ascii: " ") { value = value.dropFirst() }
        switch field {
        case "event": name = String(decoding: value, as: UTF8.self)
        case "data":
            if hasData { data.append(UInt8(ascii: "\n")) }
            data.append(contentsOf: value)
            hasData = true
        default: break
        }
        return nil
    }
}
