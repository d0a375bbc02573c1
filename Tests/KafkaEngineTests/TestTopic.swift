#if Kafka
    import EngineConformance
    import Foundation
    import KafkaEngine
    import Logging
    import Martlet
    import Synchronization
    import Testing

    /// A topic and a consumer group of a test's own, and the logs that it opens on them.
    final class TestTopic: Sendable {
        static let variable = "MARTLET_TEST_KAFKA"

        let url: String
        let name = "test-\(UUID().uuidString)"
        let group = "test-\(UUID().uuidString)"
        private let logs = Mutex<[KafkaInboxLog]>([])

        init(brokers: String) { url = "\(brokers)/\(name)" }

        /// The brokers' URL, as `scripts/with-servers` tells it.
        static func sharedBrokers() throws -> String {
            try #require(
                ProcessInfo.processInfo.environment[variable],
                "these tests need Kafka brokers: run them as `scripts/with-servers swift test …`, or set \(variable)")
        }

        /// Opens one more process's log on the topic; it is closed when the test ends, if not before.
        func open(
            logger: Logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            _ adjust: (inout KafkaOptions) -> Void = { _ in }
        ) async throws -> KafkaInboxLog {
            var options = KafkaOptions()
            options.group = group
            // Short, so that the brokers soon notice who is gone.
            options.sessionTimeout = .seconds(6)
            adjust(&options)
            let log = try await KafkaInboxLog.open(url: url, options: options, logger: logger)
            logs.withLock { $0.append(log) }
            return log
        }

        func close() async {
            for log in logs.withLock({ $0 }) { await log.close() }
        }
    }

    /// Runs the body with a topic that holds nothing, on the shared brokers or others.
    func withTestTopic(on brokers: String? = nil, _ body: (TestTopic) async throws -> Void) async throws {
        let topic = TestTopic(brokers: try brokers ?? TestTopic.sharedBrokers())
        do {
            try await body(topic)
        } catch {
            await topic.close()
            throw error
        }
        await topic.close()
    }

    /// Keeps what is logged.
    final class LogRecord: Sendable {
        private let lines = Mutex<[String]>([])
        var logger: Logger { Logger(label: "test") { _ in Handler(record: self) } }
        var text: String { lines.withLock { $0.joined(separator: "\n") } }

        private struct Handler: LogHandler {
            let record: LogRecord
            var metadata: Logger.Metadata = [:]
            var logLevel = Logger.Level.debug

            subscript(metadataKey key: String) -> Logger.Metadata.Value? {
                get { metadata[key] }
                set { metadata[key] = newValue }
            }

            func log(event: LogEvent) {
                let line = "\(event.level) \(event.message) \(event.metadata.map { "\($0)" } ?? "")"
                record.lines.withLock { $0.append(line) }
            }
        }
    }

    let testChannel = ChannelID(unchecked: "chn_00000000000000000000000001")

    /// So many entries of one channel, each with a body and a time of its own.
    func testEntries(_ count: Int, from first: Int = 0) -> [InboxEntry] {
        (first..<first + count).map {
            InboxEntry(channel: testChannel, receivedAt: StoreFixture.at(Double($0)), body: Array("{\"n\":\($0)}".utf8))
        }
    }

    /// Takes entries until there are so many.
    func take(
        _ count: Int, from log: KafkaInboxLog, limit: Int = 1000, for duration: Duration = .seconds(300)
    ) async throws -> [LeasedInboxEntry] {
        var taken: [LeasedInboxEntry] = []
        let deadline = ContinuousClock.now + .seconds(60)
        while taken.count < count {
            guard ContinuousClock.now < deadline else { throw Broken("of \(count) entries \(taken.count) came") }
            taken += try await log.lease(limit: limit, for: duration, wait: .seconds(1))
        }
        return taken
    }

    /// Asks again and again, for a minute, until the answer is as wanted.
    func expectSoon(_ what: String, _ isSo: () async throws -> Bool) async throws {
        let deadline = ContinuousClock.now + .seconds(60)
        while try await !isSo() {
            guard ContinuousClock.now < deadline else { throw Broken("in a minute this did not come true: \(what)") }
            await Task.yield()
        }
    }
#endif
