#if Redis
    import Martlet
    import Testing

    @testable import RedisEngine

    @Suite(.timeLimit(.minutes(5))) struct InboxTests {
        private func lease(
            _ count: Int, from log: any InboxLog, for duration: Duration = .seconds(300)
        ) async throws -> [LeasedInboxEntry] {
            var entries: [LeasedInboxEntry] = []
            return try await eventually("\(count) are leased") {
                entries += try await log.lease(limit: 100, for: duration, wait: .milliseconds(100))
                return entries.count >= count ? entries : nil
            }
        }

        @Test func `what is no entry is passed over for good`() async throws {
            try await withTestData { data in
                let log = try await data.engine().inboxLog
                try await data.command("XADD %:inbox 1-1 entry garbage")
                try await data.command("XADD %:inbox 2-0 entry x")
                try await data.command("XADD %:inbox 3-1 some thing other things")
                try await log.append(webhooks(1))
                let leased = try await lease(1, from: log)
                #expect(leased.map(\.entry) == webhooks(1))
                #expect(try await log.depth().waiting == 1)
                try await log.complete(leased.map(\.sequence))
                #expect(try await log.lease(limit: 10, for: .seconds(1), wait: .milliseconds(100)).isEmpty)
            }
        }

        @Test func `what one process held for too long is another's, which alone can complete it`() async throws {
            try await withTestData { data in
                let (first, second) = (try await data.engine().inboxLog, try await data.engine().inboxLog)
                try await first.append(webhooks(3))
                let slow = try await lease(3, from: first, for: .milliseconds(200))
                let taken = try await lease(3, from: second)
                #expect(taken == slow)
                try await first.complete(slow.map(\.sequence))
                #expect(try await second.depth().waiting == 3)
                try await second.complete(taken.map(\.sequence))
                #expect(try await second.depth().waiting == 0)
                #expect(try await data.command("ZCARD %:inbox:held").number == 0)
            }
        }

        @Test func `a number does not come again when everything was lost`() async throws {
            try await withTestData { data in
                let log = try await data.engine().inboxLog
                try await log.append(webhooks(2))
                let before = try await lease(2, from: log)
                try await data.command("DEL %:inbox %:inbox:held %:inbox:number")
                try await log.append(webhooks(2, from: 2))
                let after = try await lease(2, from: log)
                #expect(after.map(\.entry) == webhooks(2, from: 2))
                try await log.complete(before.map(\.sequence))
                #expect(try await log.depth().waiting == 2)
                #expect(after[0].sequence > before[1].sequence)
            }
        }

        @Test func `a last number that is behind the stream does not keep webhooks out`() async throws {
            try await withTestData { data in
                let log = try await data.engine().inboxLog
                try await log.append(webhooks(2))
                try await data.command("SET %:inbox:number 5")
                try await log.append(webhooks(3, from: 2))
                #expect(try await lease(5, from: log).map(\.entry) == webhooks(5))
            }
        }

        @Test func `it goes on when its group is gone`() async throws {
            try await withTestData { data in
                let log = try await data.engine().inboxLog
                try await log.append(webhooks(2))
                let held = try await lease(2, from: log)
                try await data.command("XGROUP DESTROY %:inbox processors")
                let again = try await lease(2, from: log)
                #expect(again == held)
                try await log.complete(again.map(\.sequence))
                #expect(try await log.depth().waiting == 0)
            }
        }

        @Test func `what lies with a process, and until when is not known, becomes free`() async throws {
            try await withTestData { data in
                let gone = try await data.engine().inboxLog
                try await gone.append(webhooks(2))
                let held = try await lease(2, from: gone)
                try await data.command("DEL %:inbox:held")
                let log = try await data.engine {
                    $0.tidyEvery = .zero
                    $0.freeAfter = .milliseconds(100)
                }.inboxLog
                #expect(try await lease(2, from: log) == held)
            }
        }

        @Test func `large webhooks are taken a few megabytes at a time`() async throws {
            try await withTestData { data in
                let log = try await data.engine().inboxLog
                let large = webhooks(20).map { entry in
                    InboxEntry(
                        channel: entry.channel, receivedAt: entry.receivedAt,
                        body: entry.body + [UInt8](repeating: 32, count: 600 << 10))
                }
                try await log.append(large)
                let first = try await log.lease(limit: 100, for: .seconds(300), wait: .seconds(5))
                #expect(first.count < 20)
                let rest = try await lease(20 - first.count, from: log)
                #expect((first + rest).map(\.entry) == large)
            }
        }
    }
#endif
