import ArgumentParser
import AsyncHTTPClient
import Martlet
import MartletClient

/// `martlet bench`.
struct BenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "Offers load to a running server and measures what comes of it.",
        discussion: """
            The messages are real: point the channel at martlet sandbox. Requests are made at the given rate whether or not \
            the server keeps up, and each latency counts from when the request was due.
            """)

    @Option(help: "Requests a second.") var rate = 500.0
    @Option(help: ArgumentHelp("For how long, in seconds.", valueName: "seconds")) var duration = 10.0
    @Option(help: "Requests under way at once, at most.") var connections = 64
    @Option(help: "Messages in one request; more than one uses the batch route.") var batch = 1
    @Option(help: "The channel's name or id; not needed where there is one only.") var channel: String?
    @Option(help: "high, normal or low.") var priority: String?
    @Option(help: ArgumentHelp("Waits so long for the messages to become final.", valueName: "seconds"))
    var settle = 30.0
    @OptionGroup var server: ServerOptions

    func validate() throws {
        guard (0.1...1_000_000).contains(rate) else { throw ValidationError("--rate must be from 0.1 to 1000000") }
        guard (0.1...86_400).contains(duration) else { throw ValidationError("--duration must be from 0.1 to 86400") }
        guard (1...10_000).contains(connections) else { throw ValidationError("--connections must be from 1 to 10000") }
        guard (1...1000).contains(batch) else { throw ValidationError("--batch must be from 1 to 1000") }
        guard (0...86_400).contains(settle) else { throw ValidationError("--settle must be from 0 to 86400") }
        guard rate * duration <= 10_000_000 else {
            throw ValidationError("--rate times --duration must be at most 10000000")
        }
    }

    func run() async throws {
        var settings = HTTPClient.Configuration()
        // One connection each: the pool's own default of 8 would be what is measured.
        settings.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = connections
        settings.connectionPool.retryConnectionEstablishment = false
        let http = HTTPClient(eventLoopGroupProvider: .singleton, configuration: settings)
        do {
            try await run(try server.client(http: http))
        } catch {
            try? await http.shutdown()
            throw error
        }
        try await http.shutdown()
    }

    private func run(_ client: MartletClient) async throws {
        let console = Surroundings.current.console
        let (channel, priority) = (channel, priority)
        let generator = LoadGenerator(
            rate: rate, count: max(1, Int(rate * duration)), connections: connections, batch: batch
        ) { number in
            var message = MessageRequest(to: Self.recipient(number), text: "Message \(number) of a benchmark.")
            message.channel = channel
            message.priority = priority
            return message
        }
        if !server.json {
            console.line("offering \(Self.rounded(rate)) requests/s of \(batch) for \(Self.rounded(duration)) s")
        }
        // A first call that has nothing to do with the load: a wrong key or address is told at once, in words.
        _ = try await client.statistics()
        let since = SystemTimeSource().now()
        var outcome = try await generator.run(client)
        let waiting = settle > 0 ? try await EndToEnd.settle(client, within: .seconds(settle)) : nil
        var endToEnd = try await EndToEnd.measure(client, since: since.description)
        console.put(
            server.json
                ? report(&outcome, &endToEnd, waiting: waiting).encodedText + "\n"
                : text(&outcome, &endToEnd, waiting: waiting))
        if outcome.accepted == 0 { throw CommandFailure("nothing was accepted") }
    }

    private func text(_ outcome: inout LoadGenerator.Outcome, _ endToEnd: inout EndToEnd, waiting: Int?) -> String {
        let seconds = max(outcome.elapsed.seconds, 0.001)
        let refused = outcome.refused.sorted { $0.key < $1.key }
            .map { "\($0.value) × \($0.key == 0 ? "no answer" : "HTTP \($0.key)")" }.joined(separator: ", ")
        var fields = [
            ("accepted", "\(outcome.accepted) messages, \(Self.rounded(Double(outcome.accepted) / seconds))/s"),
            ("refused", refused.isEmpty ? "none" : refused),
            ("answer", outcome.latency.summary()),
            ("made late", "\(outcome.late) of \(outcome.latency.count) requests"),
            ("to sent", endToEnd.toSent.summary()),
            ("to delivered", endToEnd.toDelivered.summary()),
            ("final", "\(endToEnd.final) of \(endToEnd.messages) messages looked at"),
        ]
        if let waiting, waiting > 0 { fields.append(("not final yet", "\(waiting) messages of this tenant")) }
        return Describe.fields(fields)
    }

    private func report(
        _ outcome: inout LoadGenerator.Outcome, _ endToEnd: inout EndToEnd, waiting: Int?
    ) -> JSONValue {
        let seconds = max(outcome.elapsed.seconds, 0.001)
        return [
            "offered_per_second": .double(rate * Double(batch)), "accepted": .integer(Int64(outcome.accepted)),
            "accepted_per_second": .double(Double(outcome.accepted) / seconds),
            "refused": .object(
                JSONObject(
                    pairs: outcome.refused.sorted { $0.key < $1.key }.map { ("\($0.key)", .integer(Int64($0.value))) })),
            "late": .integer(Int64(outcome.late)), "elapsed_seconds": .double(seconds),
            "answer_us": Self.percentiles(&outcome.latency), "to_sent_us": Self.percentiles(&endToEnd.toSent),
            "to_delivered_us": Self.percentiles(&endToEnd.toDelivered), "final": .integer(Int64(endToEnd.final)),
            "looked_at": .integer(Int64(endToEnd.messages)), "not_final": .optional(waiting),
        ]
    }

    private static func percentiles(_ histogram: inout Histogram) -> JSONValue {
        var object: JSONObject = ["count": .integer(Int64(histogram.count))]
        for (name, share) in [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p999", 0.999), ("max", 1)] {
            object[name] = .integer(histogram.percentile(share).microseconds)
        }
        return .object(object)
    }

    /// Ten million numbers in a range that is kept for fiction, each its own recipient.
    static func recipient(_ number: Int) -> String {
        let digits = String(number % 10_000_000)
        return "+1555" + String(repeating: "0", count: 7 - digits.count) + digits
    }

    private static func rounded(_ number: Double) -> String {
        let tenths = Int((number * 10).rounded())
        return tenths % 10 == 0 ? "\(tenths / 10)" : "\(tenths / 10).\(tenths % 10)"
    }
}
