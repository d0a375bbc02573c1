import ArgumentParser
import Foundation
import Martlet
import SQLiteEngine

/// How long a claim takes with more and more messages waiting in one channel.
struct ClaimBenchmark: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "claims",
        abstract: "Measures a claim with so many messages waiting, in one database after another.")

    @Option(help: "The SQLite file; it is filled further by each step.") var database: String
    @Option(help: "The tenant that the messages are of.") var tenant: String
    @Option(help: "The channel in which they wait.") var channel: String
    @Option(help: "How many wait, step by step, separated by commas.") var waiting = "10000,100000,1000000"
    @Option(help: "How many wait in it already.") var stored = 0
    @Option(help: "Messages in one claim.") var batch = 100
    @Option(help: "Claims measured at each step.") var repetitions = 300

    func run() async throws {
        guard let tenantID = TenantID(tenant), let channelID = ChannelID(channel) else {
            throw ValidationError("--tenant and --channel are ids of this database")
        }
        let steps = waiting.split(separator: ",").compactMap { Int($0) }
        let store = try await SQLiteStore.open(path: database, options: SQLiteOptions())
        let time = SystemTimeSource()
        let identifiers = IdentifierGenerator(time: time, random: SystemRandomSource())
        var stored = stored
        for step in steps {
            let start = ContinuousClock.now
            let first = stored
            while stored < step {
                let now = time.now()
                let requests = (stored..<min(stored + 1000, step)).map { number in
                    var message = Message(
                        id: identifiers.next(), tenantID: tenantID, channelID: channelID,
                        recipient: PhoneNumber(unchecked: "+4915\(100_000_000 + number)"),
                        payload: .text("Your order \(number) has been paid, thank you. It will reach you on Tuesday."),
                        createdAt: now)
                    message.job = JobSnapshot(state: .waiting, dueAt: now, condition: nil, since: now)
                    return AcceptanceRequest(message: message, idempotency: nil)
                }
                _ = try await store.accept(requests, now: now)
                stored += requests.count
            }
            let filled = ContinuousClock.now - start
            let claims = try await measureClaims(
                store, channel: channelID, batch: batch, repetitions: repetitions)
            let size = try FileManager.default.attributesOfItem(atPath: database)[.size] as? Int
            report([
                "waiting": .integer(Int64(step)), "batch": .integer(Int64(batch)),
                "claim_p50_us": claims.percentile(0.5), "claim_p99_us": claims.percentile(0.99),
                "accepted_per_second": .double((Double(stored - first) / filled.seconds).rounded()),
                "database_bytes": .integer(Int64(size ?? 0)),
            ])
        }
        try await store.close()
    }
}

/// Claims of one channel's first due messages, each given back before the next.
func measureClaims(
    _ store: any Martlet.DispatchQueue, channel: ChannelID, batch: Int, repetitions: Int
) async throws -> Samples {
    let time = SystemTimeSource()
    var samples = Samples()
    for _ in 0..<repetitions {
        let now = time.now()
        let batches = try await samples.measure {
            try await store.claim(
                [ClaimRequest(channel: channel, limit: batch)], worker: "benchmark", now: now,
                leaseUntil: now + .seconds(60))
        }
        let releases = batches.flatMap(\.claims).map {
            Settlement(
                message: $0.message.id, token: $0.token, attempt: $0.attempt, report: nil, disposition: .release)
        }
        guard releases.count == batch else { throw ValidationError("a claim found \(releases.count) of \(batch)") }
        _ = try await store.settle(releases, now: time.now())
    }
    return samples
}
