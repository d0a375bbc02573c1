import ArgumentParser
import AsyncHTTPClient
import MartletClient

/// Which server a client command talks to, and how it answers.
struct ServerOptions: ParsableArguments {
    @Option(help: "Where the server listens. (default: MARTLET_URL, else http://127.0.0.1:8080)")
    var url: String?
    @Option(help: "A tenant's key or the operator's token. (default: MARTLET_KEY)")
    var key: String?
    @Flag(help: "Answers in JSON, as the server has it.")
    var json = false

    /// A client for the server.
    func client(http: HTTPClient? = nil) throws -> MartletClient {
        let environment = Surroundings.current.environment
        let key = key ?? environment["MARTLET_KEY"]
        guard let key, !key.isEmpty else {
            throw CommandFailure("a key is needed: give --key or set MARTLET_KEY")
        }
        return try MartletClient(
            url: url ?? environment["MARTLET_URL"] ?? "http://127.0.0.1:8080", key: key, http: http)
    }

    /// Writes an answer: its own JSON where that is asked for, else the text for people.
    func show<Value>(_ answer: MartletClient.Answer<Value>, _ text: (Value) -> String) {
        let console = Surroundings.current.console
        if json {
            console.line(String(decoding: answer.body, as: UTF8.self))
        } else {
            console.put(text(answer.value))
        }
    }

    /// Says that something without an answer of its own was done.
    func confirm(_ text: String) {
        if !json { Surroundings.current.console.line(text) }
    }
}

/// A rate limit on the command line, such as `50/1s`.
struct LimitArgument: ExpressibleByArgument, Sendable {
    let limit: LimitRecord

    init?(argument: String) {
        let parts = argument.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let count = Int(parts[0]), count > 0 else { return nil }
        let digits = parts[1].prefix { $0.isNumber || $0 == "." }
        let unit: Double? =
            switch parts[1].dropFirst(digits.count) {
            case "ms": 0.001
            case "s": 1
            case "m": 60
            case "h": 3600
            default: nil
            }
        guard let unit, let length = digits.isEmpty ? 1 : Double(digits), length > 0 else { return nil }
        limit = LimitRecord(count: count, perSeconds: length * unit)
    }

    /// The limit as this type reads it.
    static func text(_ limit: LimitRecord) -> String {
        let seconds = limit.perSeconds
        return "\(limit.count)/" + (seconds == seconds.rounded() ? "\(Int(seconds))" : "\(seconds)") + "s"
    }
}

/// `name=value` on the command line.
struct PairArgument: ExpressibleByArgument, Sendable {
    let name: String
    let value: String

    init?(argument: String) {
        guard let equals = argument.firstIndex(of: "="), equals > argument.startIndex else { return nil }
        name = String(argument[..<equals])
        value = String(argument[argument.index(after: equals)...])
    }
}
