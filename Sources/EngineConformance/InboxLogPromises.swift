import Martlet
import Testing

/// A log that holds nothing, and a way to another process's log on the same data.
package struct InboxLogFixture: Sendable {
    package let log: any InboxLog
    /// Opens another process's log on the same data, with connections of its own. Whoever made the fixture closes it.
    package let reopen: @Sendable () async throws -> any InboxLog

    package init(_ log: any InboxLog, reopen: @escaping @Sendable () async throws -> any InboxLog) {
        self.log = log
        self.reopen = reopen
    }

    /// Takes entries until there are so many, in the order in which they came.
    ///
    /// Patient, as an engine may take some seconds to hand to one process what another held.
    package func take(
        _ count: Int, from log: (any InboxLog)? = nil, limit: Int = 1000, for duration: Duration = .seconds(300)
    ) async throws -> [LeasedInboxEntry] {
        var taken: [LeasedInboxEntry] = []
        let deadline = ContinuousClock.now + .seconds(60)
        while taken.count < count {
            guard ContinuousClock.now < deadline else { throw Broken("of \(count) entries \(taken.count) came") }
            let leased = try await (log ?? self.log).lease(limit: limit, for: duration, wait: .seconds(1))
            #expect(leased.count <= limit)
            taken += leased
        }
        return taken
    }

    /// Asks again and again until the answer is as wanted.
    fileprivate func expectSoon(_ what: String, _ isSo: () async throws -> Bool) async throws {
        let deadline = ContinuousClock.now + .seconds(60)
        while try await !isSo() {
            guard ContinuousClock.now < deadline else { throw Broken("in a minute this did not come true: \(what)") }
            try await Task.sleep(for: .milliseconds(50))
        }
    }
}

/// What ``InboxLog`` promises. Sequences mean nothing here but which entry is which, and only entries of one channel
/// have an order.
package enum InboxLogPromises {
    private static let channel = ChannelID(unchecked: "chn_00000000000000000000000001")
    private static let otherChannel = ChannelID(unchecked: "chn_00000000000000000000000002")

    private static func at(_ seconds: Double) -> Timestamp { StoreFixture.at(seconds) }

    private static func entries(
        _ count: Int, from first: Int = 0, of channel: ChannelID = channel
    ) -> [InboxEntry] {
        (first..<first + count).map {
            InboxEntry(channel: channel, receivedAt: at(Double($0)), body: Array("{\"n\":\($0)}".utf8))
        }
    }

    package static let all: [Promise<InboxLogFixture>] = giving + ending + processes

    private static let giving: [Promise<InboxLogFixture>] = [
        Promise("entries come out whole, in their channel's order") { fixture in
            let odd = [
                InboxEntry(channel: channel, receivedAt: at(9), body: [0, 255, 10, 13, 10, 0]),
                InboxEntry(channel: channel, receivedAt: Timestamp(microseconds: 1_790_000_010_123_457), body: []),
            ]
            try await fixture.log.append(entries(2))
            try await fixture.log.append(entries(1, from: 2) + odd)
            #expect(try await fixture.take(5).map(\.entry) == entries(3) + odd)
        },
        Promise("an entry of 256 KiB comes out whole") { fixture in
            let body = (0..<262_144).map { UInt8(truncatingIfNeeded: $0 &* 31) }
            let entry = InboxEntry(channel: channel, receivedAt: at(0), body: body)
            try await fixture.log.append([entry])
            #expect(try await fixture.take(1).map(\.entry) == [entry])
        },
        Promise("of each channel the oldest are taken first, at most as many as asked for") { fixture in
            let mixed = zip(entries(100), entries(100, of: otherChannel)).flatMap { [$0, $1] }
            for start in stride(from: 0, to: 200, by: 50) {
                try await fixture.log.append(Array(mixed[start..<start + 50]))
            }
            let taken = try await fixture.take(200, limit: 30).map(\.entry)
            #expect(taken.filter { $0.channel == channel } == entries(100))
            #expect(taken.filter { $0.channel == otherChannel } == entries(100, of: otherChannel))
        },
        Promise("what is held is not given out again") { fixture in
            try await fixture.log.append(entries(5))
            let first = try await fixture.take(2, limit: 2)
            let second = try await fixture.take(3)
            #expect(first.map(\.entry) == entries(2))
            #expect(second.map(\.entry) == entries(3, from: 2))
            #expect(Set((first + second).map(\.sequence)).count == 5)
            // All the log has: what was held would come before it.
            try await fixture.log.append(entries(1, from: 5))
            #expect(try await fixture.take(1).map(\.entry) == entries(1, from: 5))
        },
        Promise("from an empty log comes none") { fixture async throws in
            #expect(try await fixture.log.lease(limit: 10, for: .seconds(30), wait: .zero).isEmpty)
            #expect(try await fixture.log.lease(limit: 10, for: .seconds(30), wait: .milliseconds(300)).isEmpty)
        },
        Promise("who waits gets what comes meanwhile") { fixture in
            async let leased = fixture.take(1)
            try await fixture.log.append(entries(1))
            #expect(try await leased.map(\.entry) == entries(1))
        },
        Promise("nothing to append, to take or to complete does no harm") { fixture in
            try await fixture.log.append([])
            try await fixture.log.complete([])
            #expect(try await fixture.log.lease(limit: 0, for: .seconds(30), wait: .zero).isEmpty)
            try await fixture.log.append(entries(1))
            #expect(try await fixture.take(1).map(\.entry) == entries(1))
        },
        Promise("it can be written and read now") { fixture in try await fixture.log.check() },
    ]

    private static let ending: [Promise<InboxLogFixture>] = [
        Promise("what is not completed in time is given out again, whole") { fixture in
            try await fixture.log.append(entries(2))
            let leased = try await fixture.take(2, for: .seconds(2))
            try await fixture.log.complete([leased[0].sequence])
            #expect(try await fixture.take(1).map(\.entry) == [leased[1].entry])
        },
        Promise("what is completed does not come again, nor does completing it again do harm") { fixture in
            try await fixture.log.append(entries(3))
            let leased = try await fixture.take(3, for: .seconds(2))
            try await fixture.log.complete(leased.map(\.sequence))
            try await fixture.log.complete(leased.map(\.sequence))
            try await fixture.log.append(entries(1, from: 3))
            #expect(try await fixture.take(1).map(\.entry) == entries(1, from: 3))
        },
        Promise("entries may be completed in any order") { fixture in
            try await fixture.log.append(entries(4))
            let leased = try await fixture.take(4, for: .seconds(2))
            try await fixture.log.complete([leased[3].sequence, leased[1].sequence])
            var again: [InboxEntry] = []
            while again.count < 2 {
                let next = try await fixture.take(1)
                again += next.map(\.entry)
                try await fixture.log.complete(next.map(\.sequence))
            }
            #expect(again == [leased[0].entry, leased[2].entry])
            try await fixture.expectSoon("nothing waits") { try await fixture.log.depth().waiting == 0 }
        },
        Promise("sequences that this process was not given are passed over") { fixture in
            try await fixture.log.append(entries(2))
            try await fixture.log.complete([0, 1, 2, -1, .max, .min])
            let leased = try await fixture.take(2)
            #expect(leased.map(\.entry) == entries(2))
            try await fixture.log.complete([.max] + leased.map(\.sequence))
            try await fixture.expectSoon("nothing waits") { try await fixture.log.depth().waiting == 0 }
        },
        Promise("the depth counts what is not completed, held or not") { fixture in
            let empty = try await fixture.log.depth()
            #expect(empty.waiting == 0)
            #expect(empty.oldestReceivedAt == nil)
            try await fixture.log.append(entries(3, from: 4))
            try await fixture.expectSoon("three wait") { try await fixture.log.depth().waiting == 3 }
            let oldest = try await fixture.log.depth().oldestReceivedAt
            #expect(oldest == nil || oldest == at(4))
            let leased = try await fixture.take(3)
            #expect(try await fixture.log.depth().waiting == 3)
            try await fixture.log.complete([leased[0].sequence])
            try await fixture.expectSoon("two wait") { try await fixture.log.depth().waiting == 2 }
            let next = try await fixture.log.depth().oldestReceivedAt
            #expect(next == nil || next == at(5))
            try await fixture.log.complete(leased.map(\.sequence))
            try await fixture.expectSoon("none waits") { try await fixture.log.depth().waiting == 0 }
            #expect(try await fixture.log.depth().oldestReceivedAt == nil)
        },
    ]

    private static let processes: [Promise<InboxLogFixture>] = [
        Promise("what a process held that ended is given to another, in order") { fixture in
            let first = try await fixture.reopen()
            try await first.append(entries(4))
            let leased = try await fixture.take(3, from: first, limit: 3)
            try await first.complete([leased[0].sequence])
            await first.close()
            let rest = try await fixture.take(3)
            #expect(rest.map(\.entry) == entries(3, from: 1))
        },
        Promise("what waits outlives the process that wrote it") { fixture in
            let first = try await fixture.reopen()
            try await first.append(entries(2))
            await first.close()
            #expect(try await fixture.take(2).map(\.entry) == entries(2))
        },
        Promise("what is completed does not come to another process either") { fixture in
            let first = try await fixture.reopen()
            try await first.append(entries(3))
            let leased = try await fixture.take(3, from: first)
            try await first.complete(leased.map(\.sequence))
            await first.close()
            try await fixture.log.append(entries(1, from: 3))
            #expect(try await fixture.take(1).map(\.entry) == entries(1, from: 3))
        },
        Promise("two processes share the work, and nothing is left over") { fixture in
            let other = try await fixture.reopen()
            try await fixture.log.append(entries(60))
            try await other.append(entries(60, of: otherChannel))
            let deadline = ContinuousClock.now + .seconds(90)
            let processed = try await withThrowingTaskGroup(of: [InboxEntry].self) { group in
                for log in [fixture.log, other] {
                    group.addTask {
                        var entries: [InboxEntry] = []
                        while try await log.depth().waiting > 0 {
                            guard ContinuousClock.now < deadline else { throw Broken("entries are left over") }
                            let leased = try await log.lease(limit: 7, for: .seconds(5), wait: .milliseconds(200))
                            entries += leased.map(\.entry)
                            try await log.complete(leased.map(\.sequence))
                        }
                        return entries
                    }
                }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            // One that was held while an engine shared the work out anew may come twice; none may be missing.
            for channel in [channel, otherChannel] {
                let moments = Set(processed.filter { $0.channel == channel }.map(\.receivedAt))
                #expect(moments == Set((0..<60).map { at(Double($0)) }))
            }
        },
        Promise("many may append at once, and everything is there") { fixture in
            let logs = [fixture.log, try await fixture.reopen()]
            try await withThrowingTaskGroup(of: Void.self) { group in
                for task in 0..<20 {
                    group.addTask {
                        for index in 0..<10 { try await logs[task % 2].append(entries(1, from: task * 10 + index)) }
                    }
                }
                try await group.waitForAll()
            }
            await logs[1].close()
            let taken = try await fixture.take(200)
            #expect(Set(taken.map(\.entry.receivedAt)) == Set((0..<200).map { at(Double($0)) }))
            // Each writer's own entries follow each other as it wrote them.
            for task in 0..<20 {
                let own = taken.map(\.entry).filter { entries(10, from: task * 10).contains($0) }
                #expect(own == entries(10, from: task * 10))
            }
        },
    ]
}
