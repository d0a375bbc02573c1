import Foundation
import Martlet
import MartletClient
import MartletCommands
import MartletSandbox

/// The small notations that stand inside of bodies, options and settings: the input is read as each of them.
enum TextsTarget {
    static func check(_ bytes: [UInt8]) throws(BrokenPromise) {
        let text = String(decoding: bytes, as: UTF8.self)
        try number(text)
        try moment(text)
        try address(text)
        try identifier(text)
        try limit(text)
        try settings(text)
        try eventStream(bytes)
    }

    private static func number(_ text: String) throws(BrokenPromise) {
        guard let number = PhoneNumber(text) else { return }
        try promise(number.text == text && (7...15).contains(number.digits.utf8.count), "a number of other digits")
    }

    private static func moment(_ text: String) throws(BrokenPromise) {
        guard let moment = Timestamp(rfc3339: text) else { return }
        guard let again = Timestamp(rfc3339: moment.description) else {
            throw BrokenPromise("\(moment) cannot be read again")
        }
        try promise(again.milliseconds == moment.milliseconds, "\(text) is shown as \(moment)")
    }

    private static func address(_ text: String) throws(BrokenPromise) {
        guard let address = WebAddress(text) else { return }
        guard let url = URL(string: address.text), let host = url.host(), !host.isEmpty else {
            throw BrokenPromise("a client cannot read \(text)")
        }
        try promise(["http", "https"].contains(url.scheme?.lowercased()), "\(text) is no web address")
        if let port = url.port { try promise((1...65_535).contains(port), "\(text) has port \(port)") }
    }

    private static func identifier(_ text: String) throws(BrokenPromise) {
        guard let id = MessageID(text) else { return }
        try promise(id.text == text && id.text.utf8.count == 30, "an id of another form")
    }

    private static func limit(_ text: String) throws(BrokenPromise) {
        guard let limit = try? SandboxConfiguration.parseLimit(text) else { return }
        let again = try? SandboxConfiguration.parseLimit(limit.description)
        try promise(again == limit, "\(text) is shown as \(limit)")
    }

    private static func settings(_ text: String) throws(BrokenPromise) {
        let keys: [ConfigurationKey] = [.retryDelays, .retryJitter, .httpPort, .roles, .storeURL]
        let reader = ConfigurationReader(
            options: Dictionary(uniqueKeysWithValues: keys.map { ($0.name, text) }), environment: [:])
        if let delays = try? reader.secondsList(.retryDelays, in: 0...604_800, count: 1...20) {
            try promise(delays.allSatisfy { (.zero...Duration.seconds(604_800)).contains($0) }, "waits of \(delays)")
            try ConfigurationTarget.schedule(RetrySchedule(delays: delays, jitter: 1))
        }
        if let jitter = try? reader.number(.retryJitter, in: 0...1) {
            try promise((0...1).contains(jitter), "a jitter of \(jitter)")
        }
        if let port = try? reader.integer(.httpPort, in: 0...65_535) {
            try promise((0...65_535).contains(port), "a port of \(port)")
        }
        if let roles = try? reader.choices(.roles, among: [], Role.init(rawValue:)) {
            try promise(!roles.isEmpty, "a node without a role")
        }
        if case .sqlite(let path)? = try? StoreLocation.read(reader) {
            try promise(!path.isEmpty && !path.utf8.contains(0), "a database without a name")
        }
    }

    /// In whatever pieces a stream comes, its events are the same.
    private static func eventStream(_ bytes: [UInt8]) throws(BrokenPromise) {
        var whole = ServerSentEventParser()
        var pieces = ServerSentEventParser()
        guard let events = try? whole.read(bytes) else { return }
        var collected: [ServerSentEvent] = []
        for byte in bytes { collected += (try? pieces.read([byte])) ?? [] }
        try promise(events == collected, "a stream in pieces has other events")
    }
}
