import Martlet
import Testing

/// What ``Inbox`` and ``SetAsideInbox`` promise.
package enum InboxPromises {
    private static let channel = ChannelID(unchecked: "chn_00000000000000000000000001")

    private static func at(_ seconds: Double) -> Timestamp { StoreFixture.at(seconds) }

    private static func entries(_ count: Int, from first: Int = 0) -> [InboxEntry] {
        (first..<first + count).map {
            InboxEntry(channel: channel, receivedAt: at(Double($0)), body: Array("{\"n\":\($0)}".utf8))
        }
    }

    package static let all: [Promise<any SetAsideInbox>] = [
        Promise("entries come out whole and in the order they went in") { inbox in
            let entries = entries(3)
            try await inbox.append(Array(entries[0..<2]))
            try await inbox.append([entries[2], InboxEntry(channel: channel, receivedAt: at(9), body: [0, 255, 10])])
            let leased = try await inbox.lease(limit: 10, now: at(10), until: at(40))
            #expect(leased.map(\.entry.body) == entries.map(\.body) + [[0, 255, 10]])
            #expect(Array(leased.map(\.entry).prefix(3)) == entries)
            #expect(leased.map(\.sequence) == leased.map(\.sequence).sorted())
        },
        Promise("the oldest are taken, at most that many, by one processor at a time") { inbox in
            try await inbox.append(entries(5))
            let first = try await inbox.lease(limit: 2, now: at(10), until: at(40))
            let second = try await inbox.lease(limit: 10, now: at(10), until: at(40))
            #expect(first.map(\.entry) == entries(2))
            #expect(second.map(\.entry) == entries(3, from: 2))
            #expect(try await inbox.lease(limit: 10, now: at(39.9), until: at(70)).isEmpty)
        },
        Promise("what was leased and not completed comes again when the lease runs out") { inbox in
            try await inbox.append(entries(2))
            let leased = try await inbox.lease(limit: 2, now: at(10), until: at(40))
            try await inbox.complete([leased[0].sequence])
            let again = try await inbox.lease(limit: 2, now: at(40), until: at(70))
            #expect(again == [leased[1]])
        },
        Promise("what is completed is gone; completing it again does no harm") { inbox in
            try await inbox.append(entries(2))
            let leased = try await inbox.lease(limit: 1, now: at(10), until: at(40))
            try await inbox.complete(leased.map(\.sequence))
            try await inbox.complete(leased.map(\.sequence))
            #expect(try await inbox.depth().waiting == 1)
            #expect(try await inbox.lease(limit: 10, now: at(100), until: at(130)).map(\.entry) == entries(1, from: 1))
        },
        Promise("a sequence number is never used again") { inbox in
            try await inbox.append(entries(1))
            let first = try await inbox.lease(limit: 1, now: at(10), until: at(40))
            try await inbox.complete(first.map(\.sequence))
            try await inbox.append(entries(1))
            let second = try await inbox.lease(limit: 1, now: at(10), until: at(40))
            #expect(second[0].sequence > first[0].sequence)
        },
        Promise("the depth says how many wait and since when the oldest does") { inbox in
            let empty = try await inbox.depth()
            #expect(empty.waiting == 0)
            #expect(empty.oldestReceivedAt == nil)
            try await inbox.append(entries(3, from: 4))
            let depth = try await inbox.depth()
            #expect(depth.waiting == 3)
            #expect(depth.oldestReceivedAt == at(4))
        },
        Promise("what cannot be read is set aside with the reason, out of the way") { inbox in
            try await inbox.append(entries(2))
            let leased = try await inbox.lease(limit: 1, now: at(10), until: at(40))
            try await inbox.setAside([(leased[0].sequence, "not JSON at byte 3")], now: at(11))
            #expect(try await inbox.depth().waiting == 1)
            #expect(try await inbox.lease(limit: 10, now: at(100), until: at(130)).map(\.entry) == entries(1, from: 1))
            let aside = try await inbox.entriesSetAside(limit: 10)
            #expect(aside.map(\.entry) == entries(1))
            #expect(aside.map(\.reason) == ["not JSON at byte 3"])
            #expect(aside.map(\.setAsideAt) == [at(11)])
        },
        Promise("what was set aside can be taken back") { inbox in
            try await inbox.append(entries(1))
            let leased = try await inbox.lease(limit: 1, now: at(10), until: at(40))
            try await inbox.setAside([(leased[0].sequence, "not JSON")], now: at(11))
            let aside = try await inbox.entriesSetAside(limit: 10)
            try await inbox.takeBack(aside.map(\.sequence))
            try await inbox.takeBack(aside.map(\.sequence))
            #expect(try await inbox.entriesSetAside(limit: 10).isEmpty)
            #expect(try await inbox.depth().waiting == 1)
            #expect(try await inbox.lease(limit: 10, now: at(12), until: at(42)).map(\.entry) == entries(1))
        },
        Promise("many may append at once, and everything is there") { inbox in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for task in 0..<20 {
                    group.addTask {
                        for index in 0..<10 { try await inbox.append(entries(1, from: task * 10 + index)) }
                    }
                }
                try await group.waitForAll()
            }
            let leased = try await inbox.lease(limit: 1000, now: at(300), until: at(330))
            #expect(Set(leased.map(\.entry.receivedAt)) == Set((0..<200).map { at(Double($0)) }))
            #expect(try await inbox.depth().waiting == 200)
        },
    ]
}
