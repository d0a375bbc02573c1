#if Redis
    import Foundation
    import Martlet
    import Testing

    @testable import RedisEngine

    /// The server the tests run on, as `scripts/with-servers` starts it and tells of it.
    enum TestServer {
        static let variable = "MARTLET_TEST_REDIS"

        /// The server's URL.
        static func url() throws -> String {
            try #require(
                ProcessInfo.processInfo.environment[variable],
                "these tests need a Redis server of their own: run them as `scripts/with-servers swift test …`, or set \(variable)"
            )
        }
    }

    /// A server's data under one prefix, and engines that are all closed in the end.
    actor TestData {
        nonisolated let url: String
        nonisolated let prefix = "test:\(UUID().uuidString.lowercased())"
        private nonisolated let link: RedisLink
        private var engines: [RedisEngine] = []

        init(url: String) throws {
            self.url = url
            link = RedisLink(try RedisAddress(url: url), name: "test", options: RedisOptions())
        }

        /// Opens one more process's engine.
        func engine(_ adjust: (inout RedisOptions) -> Void = { _ in }) async throws -> RedisEngine {
            var options = RedisOptions()
            adjust(&options)
            let engine = try await RedisEngine.open(url: url, prefix: prefix, options: options)
            engines.append(engine)
            return engine
        }

        /// Runs a command as an operator would. `%` stands for the prefix.
        @discardableResult
        nonisolated func command(_ line: String) async throws -> RedisReply {
            try await command(line.split(separator: " ").map { Array($0.replacing("%", with: prefix).utf8) })
        }

        /// Runs a command whose arguments are given as they are.
        @discardableResult
        nonisolated func command(_ arguments: [[UInt8]]) async throws -> RedisReply {
            do throws(RedisFailure) { return try await link.perform(arguments).reply } catch { throw error.storeError }
        }

        func close() async {
            for engine in engines { await engine.close() }
            if let keys = try? await command("KEYS %:*").list, !keys.isEmpty {
                _ = try? await command([Array("DEL".utf8)] + keys.compactMap(\.bytes))
            }
            await link.close()
        }
    }

    /// Runs the body with data of its own, which is gone afterwards.
    func withTestData(on url: String? = nil, _ body: (TestData) async throws -> Void) async throws {
        let data = try TestData(url: try url ?? TestServer.url())
        do {
            try await body(data)
        } catch {
            await data.close()
            throw error
        }
        await data.close()
    }

    /// Asks again and again until the answer is something.
    func eventually<Value>(_ what: String, _ body: () async throws -> Value?) async throws -> Value {
        let deadline = ContinuousClock.now + .seconds(60)
        while ContinuousClock.now < deadline {
            if let value = try await body() { return value }
            try await Task.sleep(for: .milliseconds(20))
        }
        throw NeverHappened(description: "in a minute this did not happen: \(what)")
    }

    struct NeverHappened: Error, CustomStringConvertible { var description: String }

    /// Runs the body and answers with what it threw.
    func failure<Value>(_ body: () async throws -> Value) async -> StoreError? {
        do {
            _ = try await body()
            return nil
        } catch {
            return error as? StoreError
        }
    }

    /// Notices of one channel that are due at once.
    func notices(_ count: Int, _ priority: Priority = .normal) -> [JobNotice] {
        let ids = IdentifierGenerator()
        let channel: ChannelID = ids.next()
        return (0..<count).map { _ in
            JobNotice(message: ids.next(), channel: channel, priority: priority, dueAt: SystemTimeSource().now())
        }
    }

    /// Webhooks of one channel.
    func webhooks(_ count: Int, from first: Int = 0) -> [InboxEntry] {
        (first..<first + count).map {
            InboxEntry(
                channel: ChannelID(unchecked: "chn_00000000000000000000000001"),
                receivedAt: Timestamp(seconds: 1_790_000_000 + Int64($0)), body: Array("{\"n\":\($0)}".utf8))
        }
    }
#endif
