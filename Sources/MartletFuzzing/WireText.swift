/// An input of several parts, written as HTTP writes a message: a first line, header lines, an empty line, the body. Such a
/// text can be read and edited in a corpus, and chance finds its way around in it.
struct WireText {
    /// The first line; empty where there is none.
    var start: String
    /// By lower-case name.
    var headers: [String: String] = [:]
    var body: [UInt8]

    init(_ bytes: [UInt8]) {
        var rest = bytes[...]
        start = Self.line(&rest)
        while !rest.isEmpty {
            let line = Self.line(&rest)
            guard !line.isEmpty else { break }
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2 else { continue }
            headers[parts[0].lowercased()] = String(parts[1].drop { $0 == " " })
        }
        body = Array(rest)
    }

    /// Takes one line off, its end included.
    private static func line(_ rest: inout ArraySlice<UInt8>) -> String {
        let end = rest.firstIndex(of: UInt8(ascii: "\n")) ?? rest.endIndex
        let line = rest[..<end]
        rest = rest[end...].dropFirst()
        return String(decoding: line, as: UTF8.self)
    }
}
