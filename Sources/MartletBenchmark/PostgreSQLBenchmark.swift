#if PostgreSQL
    import ArgumentParser
    import Martlet
    import PostgreSQLEngine

    /// How long claims and look-ups take in a database on PostgreSQL, which `Benchmarks/rows` fills in between.
    struct PostgreSQLBenchmark: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "postgresql", abstract: "Measures claims and look-ups on PostgreSQL.",
            subcommands: [Prepare.self, Measure.self])

        struct Prepare: AsyncParsableCommand {
            static let configuration = CommandConfiguration(
                abstract: "Makes the schema and stores one message in each week, as models for many more.")

            @Option(help: "The database.") var url: String
            @Option(help: "How many weeks back the first message is.") var weeks = 12

            func run() async throws {
                let store = try await PostgreSQLStore.open(url: url)
                let tenant: TenantID = IdentifierGenerator().next()
                let channel: ChannelID = IdentifierGenerator().next()
                var models: [JSONValue] = []
                for week in stride(from: weeks, through: 0, by: -1) {
                    let time = SetTime(SystemTimeSource().now() - .seconds(week * 7 * 86_400))
                    var message = Message(
                        id: IdentifierGenerator(time: time).next(), tenantID: tenant, channelID: channel,
                        recipient: PhoneNumber(unchecked: "+4915100000000"),
                        payload: .text("Your order has been paid, thank you. It will reach you on Tuesday."),
                        createdAt: time.now())
                    message.job = JobSnapshot(state: .waiting, dueAt: time.now(), condition: nil, since: time.now())
                    _ = try await store.accept([AcceptanceRequest(message: message, idempotency: nil)], now: time.now())
                    models.append(.string(message.id.text))
                }
                await store.close()
                report(["tenant": .string(tenant.text), "channel": .string(channel.text), "models": .array(models)])
            }
        }

        struct Measure: AsyncParsableCommand {
            static let configuration = CommandConfiguration(
                abstract: "Measures; each line of the input is a message's id, its provider's id and its recipient.")

            @Option(help: "The database.") var url: String
            @Option(help: "The tenant that the messages are of.") var tenant: String
            @Option(help: "The channel in which they wait.") var channel: String
            @Option(help: "Messages in one claim.") var batch = 100
            @Option(help: "Claims measured.") var claims = 1000
            @Option(help: "Lines that are looked up before anything is measured.") var unmeasured = 500

            func run() async throws {
                guard let tenant = TenantID(tenant), let channel = ChannelID(channel) else {
                    throw ValidationError("--tenant and --channel are ids of this database")
                }
                let store = try await PostgreSQLStore.open(url: url)
                var (byID, byProviderID, byRecipient) = (Samples(), Samples(), Samples())
                var number = 0
                while let line = readLine() {
                    let parts = line.split(separator: " ").map(String.init)
                    guard parts.count == 3, let id = MessageID(parts[0]) else { throw ValidationError("line: \(line)") }
                    if number == unmeasured { (byID, byProviderID, byRecipient) = (Samples(), Samples(), Samples()) }
                    number += 1
                    let isThere = try await byID.measure { try await store.message(id, tenant: tenant) } != nil
                    var query = MessageQuery(tenant: tenant)
                    query.providerMessageID = parts[1]
                    let found = try await byProviderID.measure { try await store.messages(query) }
                    query.providerMessageID = nil
                    query.recipient = PhoneNumber(unchecked: parts[2])
                    let page = try await byRecipient.measure { try await store.messages(query) }
                    guard isThere, found.elements.count == 1, !page.elements.isEmpty else {
                        throw ValidationError("not found: \(line)")
                    }
                }
                _ = try await measureClaims(store, channel: channel, batch: batch, repetitions: claims / 10)
                let claimed = try await measureClaims(store, channel: channel, batch: batch, repetitions: claims)
                await store.close()
                report([
                    "by_id": byID.summary, "by_message_id": byProviderID.summary, "by_recipient": byRecipient.summary,
                    "claim": claimed.summary,
                ])
            }
        }
    }

    extension Samples {
        /// In microseconds.
        fileprivate var summary: JSONValue { ["p50": percentile(0.5), "p99": percentile(0.99)] }
    }

    /// A wall clock that stands.
    private struct SetTime: TimeSource {
        private let moment: Timestamp

        init(_ moment: Timestamp) { self.moment = moment }

        func now() -> Timestamp { moment }
        func monotonicNow() -> MonotonicInstant { SystemTimeSource().monotonicNow() }
        func sleep(for duration: Duration) async throws { try await SystemTimeSource().sleep(for: duration) }
    }
#endif
