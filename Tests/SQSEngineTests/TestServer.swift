#if SQS
    import EngineConformance
    import Foundation
    import Logging
    import Martlet
    import SQSEngine
    import Testing

    /// The server the tests run on, as `scripts/with-servers` starts it and tells of it.
    enum TestServer {
        static let variable = "MARTLET_TEST_SQS"

        /// Any keys do for the server the tests run on.
        static let keys = ["AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret"]

        /// A URL whose queues nobody else uses.
        static func url() throws -> String {
            let server = try #require(
                ProcessInfo.processInfo.environment[variable],
                "these tests need a server that plays SQS: run them as `scripts/with-servers swift test …`, or set \(variable)"
            )
            let queue = "test-\(UUID().uuidString.lowercased())"
            return "\(server)/\(queue)?region=us-east-1&tls=false"
        }

        static func open(_ url: String) async throws -> SQSBroker {
            try await SQSBroker.open(url: url, environment: keys, options: options(), logger: silent)
        }
    }

    /// A logger whose lines nobody reads.
    let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    /// Short polls, so that closing does not wait for long.
    func options(_ adjust: (inout SQSOptions) -> Void = { _ in }) -> SQSOptions {
        var options = SQSOptions()
        options.longPoll = .seconds(1)
        // The server under test serves all tests at once.
        options.requestTimeout = .seconds(30)
        adjust(&options)
        return options
    }

    /// Runs the body with a broker on queues of its own and closes it.
    func withBroker(_ body: (SQSBroker, String) async throws -> Void) async throws {
        let url = try TestServer.url()
        let broker = try await TestServer.open(url)
        do {
            try await body(broker, url)
        } catch {
            await broker.close()
            throw error
        }
        await broker.close()
    }
#endif
