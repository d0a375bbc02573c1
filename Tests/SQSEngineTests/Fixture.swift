#if SQS
    import Martlet
    import MartletTestSupport
    import Synchronization

    @testable import SQSEngine

    let ids = IdentifierGenerator()

    func notices(_ count: Int, _ priority: Priority = .normal, dueAt: Timestamp = SystemTimeSource().now())
        -> [JobNotice]
    {
        (0..<count).map { _ in JobNotice(message: ids.next(), channel: ids.next(), priority: priority, dueAt: dueAt) }
    }

    /// Patient for a short time, so that failing is over soon.
    func hastyOptions(_ adjust: (inout SQSOptions) -> Void = { _ in }) -> SQSOptions {
        options {
            $0.patience = .seconds(20)
            $0.pauseMin = .milliseconds(1)
            $0.pauseMax = .milliseconds(20)
            adjust(&$0)
        }
    }

    /// Opens a broker at a scripted server, runs the body, and closes the broker.
    func withBroker(
        at server: ScriptedServer, options: SQSOptions = hastyOptions(),
        keys: [String: String] = TestServer.keys, _ body: (SQSBroker) async throws -> Void
    ) async throws {
        let broker = try await SQSBroker.open(url: server.url, environment: keys, options: options, logger: silent)
        do {
            try await body(broker)
        } catch {
            await broker.close()
            throw error
        }
        await broker.close()
    }

    /// Counts, from any thread.
    final class Counter: Sendable {
        private let count = Mutex(0)
        var value: Int { count.withLock(\.self) }
        /// The number of this call, from 1.
        @discardableResult
        func next() -> Int {
            count.withLock { count in
                count += 1
                return count
            }
        }
    }

    /// A message as ReceiveMessage answers with it.
    func message(_ notice: JobNotice, _ handle: String) -> JSONValue {
        [
            "MessageId": .string("id-" + handle), "ReceiptHandle": .string(handle),
            "Body": .string(String(decoding: notice.encoded(), as: UTF8.self)),
        ]
    }
#endif
