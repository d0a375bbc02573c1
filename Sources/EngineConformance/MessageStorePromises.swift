import Martlet
import Testing

/// What ``MessageStore`` promises of accepting and reading.
package enum MessageStorePromises {
    package static let all: [Promise<StoreFixture>] = acceptance + idempotency + listing

    private static func at(_ seconds: Double) -> Timestamp { StoreFixture.at(seconds) }

    static let acceptance: [Promise<StoreFixture>] = [
        Promise("an accepted message comes back whole, with its job") { fixture in
            let message = fixture.message {
                $0.payload = Payload(
                    kind: .image, content: ["url": "https://example.com/a.png", "caption": "Ä \"q\" \n"])
                $0.priority = .low
                $0.sendAt = at(60)
                $0.expiresAt = at(600)
                $0.onUnknown = .hold
                $0.redact = true
                $0.idempotencyKey = "key"
                $0.event = ["user_id": "u_1", "type": "invoice.paid", "timestamp": "2026-11-23T10:00:00Z"]
                $0.metadata = ["order": "42"]
            }
            let accepted = try await fixture.accept(message)
            var expected = message
            expected.job = JobSnapshot(state: .waiting, dueAt: at(60), condition: nil, since: at(0))
            #expect(accepted == expected)
            #expect(try await fixture.stored(message.id) == expected)
            #expect(try await fixture.store.message(message.id, tenant: fixture.tenant) == expected)
        },
        Promise("the timeline of an accepted message begins with `accepted`") { fixture in
            let message = try await fixture.accept(fixture.message())
            let timeline = try await fixture.store.timeline(message.id)
            #expect(timeline.map(\.kind) == [.accepted])
            #expect(timeline.map(\.at) == [at(0)])
            #expect(timeline.map(\.messageID) == [message.id])
        },
        Promise("results come in the order of the batch") { fixture in
            let messages = (0..<300).map { _ in fixture.message() }
            let results = try await fixture.store.accept(
                messages.map { AcceptanceRequest(message: $0, idempotency: nil) }, now: at(0))
            let ids = results.map { result -> MessageID? in
                if case .accepted(let message) = result { message.id } else { nil }
            }
            #expect(ids == messages.map(\.id))
        },
        Promise("of a batch that throws nothing is stored") { fixture async throws in
            let first = fixture.message()
            var twin = fixture.message()
            twin.id = first.id
            await #expect(throws: StoreError.self) {
                try await fixture.store.accept(
                    [
                        AcceptanceRequest(message: first, idempotency: nil),
                        AcceptanceRequest(message: twin, idempotency: nil),
                    ], now: at(0))
            }
            #expect(try await fixture.store.message(first.id, tenant: nil) == nil)
            #expect(try await fixture.counts() == [:])
            #expect(try await fixture.store.nextDue() == [:])
        },
        Promise("another tenant's message is not there") { fixture in
            let message = try await fixture.accept(fixture.message())
            let other = try await fixture.addTenant()
            #expect(try await fixture.store.message(message.id, tenant: other) == nil)
            #expect(try await fixture.store.message(fixture.ids.next(), tenant: nil) == nil)
        },
        Promise("a message for a channel that is gone fails at once as `channel_deleted`") { fixture in
            #expect(try await fixture.store.deleteChannel(fixture.channel, now: at(0)))
            let message = try await fixture.accept(fixture.message())
            #expect(message.status == .failed)
            let stored = try await fixture.stored(message.id)
            #expect(stored.errorReason == "channel_deleted")
            #expect(stored.deadLetteredAt != nil)
            #expect(stored.job == nil)
        },
    ]

    static let idempotency: [Promise<StoreFixture>] = [
        Promise("the same key with the same content is the same message") { fixture in
            let first = fixture.message()
            let results = try await accept(fixture, [(first, "key", 1)])
            #expect(ids(results) == [.accepted(first.id)])
            let again = try await accept(fixture, [(fixture.message(), "key", 1)])
            #expect(ids(again) == [.replayed(first.id)])
            #expect(try await fixture.counts() == [.queued: 1])
        },
        Promise("the same key with other content is a conflict") { fixture in
            let first = fixture.message()
            _ = try await accept(fixture, [(first, "key", 1)])
            let again = try await accept(fixture, [(fixture.message(), "key", 2)])
            #expect(ids(again) == [.conflict(first.id)])
            #expect(try await fixture.counts() == [.queued: 1])
        },
        Promise("two entries of one batch with the same key are as if one came after the other") { fixture in
            let (first, second) = (fixture.message(), fixture.message())
            let results = try await accept(
                fixture,
                [
                    (first, "a", 1), (second, "b", 1), (fixture.message(), "a", 1), (fixture.message(), "b", 2),
                ])
            #expect(
                ids(results) == [
                    .accepted(first.id), .accepted(second.id), .replayed(first.id), .conflict(second.id),
                ])
        },
        Promise("a key is its tenant's own") { fixture in
            let other = try await fixture.addTenant()
            let mine = fixture.message()
            let theirs = fixture.message(tenant: other)
            let results = try await accept(fixture, [(mine, "key", 1), (theirs, "key", 2)])
            #expect(ids(results) == [.accepted(mine.id), .accepted(theirs.id)])
        },
        Promise("a key whose window is over is free again") { fixture in
            let first = fixture.message()
            _ = try await accept(fixture, [(first, "key", 1)], expiresAt: 60)
            let before = try await accept(fixture, [(fixture.message(at: 59), "key", 1)], now: 59, expiresAt: 119)
            #expect(ids(before) == [.replayed(first.id)])
            let second = fixture.message(at: 60)
            let after = try await accept(fixture, [(second, "key", 2)], now: 60, expiresAt: 120)
            #expect(ids(after) == [.accepted(second.id)])
            let again = try await accept(fixture, [(fixture.message(at: 61), "key", 2)], now: 61, expiresAt: 121)
            #expect(ids(again) == [.replayed(second.id)])
        },
        Promise("of fifty concurrent requests with one key one is accepted") { fixture in
            let outcomes = try await withThrowingTaskGroup(of: Outcome.self) { group in
                for _ in 0..<50 {
                    let message = fixture.message()
                    group.addTask { ids(try await accept(fixture, [(message, "key", 1)]))[0] }
                }
                return try await group.reduce(into: [Outcome]()) { $0.append($1) }
            }
            let accepted = outcomes.compactMap { if case .accepted(let id) = $0 { id } else { nil } }
            #expect(accepted.count == 1)
            #expect(outcomes.filter { $0 == .replayed(accepted[0]) }.count == 49)
        },
    ]

    private enum Outcome: Sendable, Equatable {
        case accepted(MessageID)
        case replayed(MessageID)
        case conflict(MessageID)
    }

    private static func accept(
        _ fixture: StoreFixture, _ entries: [(Message, key: String, hash: UInt8)], now: Double = 0,
        expiresAt: Double = 86400
    ) async throws -> [AcceptanceResult] {
        try await fixture.store.accept(
            entries.map { entry in
                AcceptanceRequest(
                    message: entry.0,
                    idempotency: IdempotencyClaim(
                        key: entry.key, contentHash: [UInt8](repeating: entry.hash, count: 32),
                        expiresAt: at(expiresAt)))
            }, now: at(now))
    }

    private static func ids(_ results: [AcceptanceResult]) -> [Outcome] {
        results.map { result in
            switch result {
            case .accepted(let message): .accepted(message.id)
            case .replayed(let message): .replayed(message.id)
            case .conflict(let id): .conflict(id)
            }
        }
    }

    static let listing: [Promise<StoreFixture>] = [
        Promise("a list is newest first and goes on after its last element") { fixture in
            var expected: [MessageID] = []
            for index in 0..<7 { expected.append(try await fixture.accept(fixture.message(at: Double(index))).id) }
            expected.reverse()
            var query = MessageQuery(tenant: fixture.tenant)
            query.limit = 3
            var pages: [[MessageID]] = []
            var hasMore: [Bool] = []
            for _ in 0..<3 {
                let page = try await fixture.store.messages(query)
                pages.append(page.elements.map(\.id))
                hasMore.append(page.hasMore)
                query.before = page.elements.last?.id
            }
            #expect(pages.flatMap(\.self) == expected)
            #expect(pages.map(\.count) == [3, 3, 1])
            #expect(hasMore == [true, true, false])
        },
        Promise("pages neither skip nor repeat messages of one moment") { fixture in
            let messages = (0..<10).map { _ in fixture.message() }
            _ = try await fixture.store.accept(
                messages.map { AcceptanceRequest(message: $0, idempotency: nil) }, now: at(0))
            var query = MessageQuery(tenant: fixture.tenant)
            query.limit = 4
            var seen: [MessageID] = []
            repeat {
                let page = try await fixture.store.messages(query)
                seen.append(contentsOf: page.elements.map(\.id))
                query.before = page.elements.last?.id
                if !page.hasMore { break }
            } while seen.count < 20
            #expect(seen == messages.map(\.id).reversed())
        },
        Promise("each filter leaves what it says, alone and with others") { fixture in
            let second = try await fixture.addChannel()
            let failed = try await fixture.fail(fixture.message(to: "+14155550001", at: 0))
            let sent = try await fixture.send(
                fixture.message(to: "+14155550001", channel: second, at: 0.1), messageID: "m-1", submissionID: "s-9")
            let queued = try await fixture.accept(fixture.message(to: "+14155550002", at: 0.2))
            func list(_ adjust: (inout MessageQuery) -> Void) async throws -> [MessageID] {
                var query = MessageQuery(tenant: fixture.tenant)
                adjust(&query)
                return try await fixture.store.messages(query).elements.map(\.id)
            }
            let recipient = PhoneNumber(unchecked: "+14155550001")
            #expect(try await list { _ in } == [queued.id, sent.id, failed.id])
            #expect(try await list { $0.recipient = recipient } == [sent.id, failed.id])
            #expect(try await list { $0.providerMessageID = "m-1" } == [sent.id])
            #expect(try await list { $0.providerMessageID = "s-9" } == [sent.id])
            #expect(try await list { $0.status = .queued } == [queued.id])
            #expect(try await list { $0.status = .read } == [])
            #expect(try await list { $0.channel = second } == [sent.id])
            #expect(try await list { $0.since = at(0.1) } == [queued.id, sent.id])
            #expect(try await list { $0.until = at(0.1) } == [failed.id])
            #expect(try await list { $0.deadLetteredOnly = true } == [failed.id])
            #expect(
                try await list {
                    $0.recipient = recipient
                    $0.channel = second
                } == [sent.id])
            #expect(
                try await list {
                    $0.recipient = recipient
                    $0.status = .failed
                    $0.deadLetteredOnly = true
                    $0.since = at(0)
                    $0.until = at(1)
                } == [failed.id])
            #expect(
                try await list {
                    $0.channel = second
                    $0.status = .failed
                } == [])
            #expect(
                try await list {
                    $0.deadLetteredOnly = true
                    $0.before = failed.id
                } == [])
        },
        Promise("a list shows its tenant's messages only, whatever is asked for") { fixture in
            let other = try await fixture.addTenant()
            let theirs = try await fixture.addChannel(named: "theirs", tenant: other)
            let message = try await fixture.send(fixture.message(channel: theirs, tenant: other), messageID: "m-1")
            for adjust: @Sendable (inout MessageQuery) -> Void in [
                { _ in }, { $0.recipient = message.recipient }, { $0.providerMessageID = "m-1" }, { $0.status = .sent },
                { $0.channel = theirs }, { $0.since = at(0) },
            ] {
                var query = MessageQuery(tenant: fixture.tenant)
                adjust(&query)
                #expect(try await fixture.store.messages(query).elements.isEmpty)
            }
        },
        Promise("a list carries each message's job") { fixture in
            let message = try await fixture.accept(fixture.message())
            let page = try await fixture.store.messages(MessageQuery(tenant: fixture.tenant))
            #expect(page.elements == [message])
        },
        Promise("the timeline of an unknown message is empty; entries have ids of their own") { fixture in
            #expect(try await fixture.store.timeline(fixture.ids.next()).isEmpty)
            let first = try await fixture.fail(fixture.message())
            let second = try await fixture.fail(fixture.message())
            let events = try await fixture.store.timeline(first.id) + fixture.store.timeline(second.id)
            #expect(Set(events.map(\.id)).count == events.count)
            #expect(events.allSatisfy { EventID($0.id.text) != nil })
        },
    ]
}
