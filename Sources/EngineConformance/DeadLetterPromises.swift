import Martlet
import Testing

/// What ``MessageStore`` promises of cancelling, dead letters and numbers.
package enum DeadLetterPromises {
    package static let all: [Promise<StoreFixture>] = cancelling + deadLetters + redaction + numbers

    private static func at(_ seconds: Double) -> Timestamp { StoreFixture.at(seconds) }

    static let cancelling: [Promise<StoreFixture>] = [
        Promise("a waiting message is cancelled: failed, not dead-lettered, never claimed") { fixture in
            let message = try await fixture.accept(fixture.message())
            let result = try await fixture.store.cancel(message.id, tenant: fixture.tenant, now: at(3))
            guard case .cancelled(let cancelled) = result else { throw Broken("\(result)") }
            #expect(cancelled.status == .failed)
            #expect(cancelled.errorReason == "cancelled")
            #expect(cancelled.failedAt == at(3))
            #expect(cancelled.deadLetteredAt == nil)
            #expect(cancelled.job == nil)
            #expect(try await fixture.kinds(message.id) == [.accepted, .cancelled])
            #expect(try await fixture.claim(at: 4).claims.isEmpty)
            #expect(try await fixture.stored(message.id) == cancelled)
        },
        Promise("what is being sent, open, sent or final cannot be cancelled any more") { fixture in
            let claimed = try await fixture.accept(fixture.message())
            _ = try await fixture.claim()
            #expect(
                try await fixture.store.cancel(claimed.id, tenant: fixture.tenant, now: at(1)) == .tooLate(.queued))
            let unknown = try await fixture.sendUnknown(fixture.message())
            #expect(
                try await fixture.store.cancel(unknown.id, tenant: fixture.tenant, now: at(1)) == .tooLate(.queued))
            let sent = try await fixture.send(fixture.message())
            #expect(try await fixture.store.cancel(sent.id, tenant: fixture.tenant, now: at(1)) == .tooLate(.sent))
            let failed = try await fixture.fail(fixture.message())
            #expect(try await fixture.store.cancel(failed.id, tenant: fixture.tenant, now: at(1)) == .tooLate(.failed))
        },
        Promise("another tenant's message cannot be cancelled, replayed or discarded") { fixture in
            let other = try await fixture.addTenant()
            let failed = try await fixture.fail(fixture.message())
            let queued = try await fixture.accept(fixture.message())
            #expect(try await fixture.store.cancel(queued.id, tenant: other, now: at(1)) == .notFound)
            #expect(
                try await fixture.store.replay(failed.id, tenant: other, correction: Correction(), now: at(1))
                    == .notFound)
            #expect(try await !fixture.store.discard(failed.id, tenant: other, now: at(1)))
            #expect(try await fixture.stored(failed.id) == failed)
        },
    ]

    static let deadLetters: [Promise<StoreFixture>] = [
        Promise("a replay queues the message again under its own id, history kept") { fixture in
            let failed = try await fixture.fail(fixture.message())
            let result = try await fixture.store.replay(
                failed.id, tenant: fixture.tenant, correction: Correction(), now: at(100))
            guard case .replayed(let replayed) = result else { throw Broken("\(result)") }
            #expect(replayed.id == failed.id)
            #expect(replayed.status == .queued)
            #expect(replayed.attempts == 0)
            #expect(replayed.errorReason == nil)
            #expect(replayed.failedAt == nil)
            #expect(replayed.deadLetteredAt == nil)
            #expect(!replayed.duplicateRisk)
            #expect(replayed.job?.dueAt == at(100))
            #expect(
                try await fixture.kinds(failed.id) == [.accepted, .attempt, .failed, .deadLettered, .replayed])
            let claim = try await fixture.claimOne(at: 100)
            #expect(claim.message.id == failed.id)
            #expect(claim.attempt == 1)
        },
        Promise("a replay corrects what it is asked to and says so without the words") { fixture in
            let failed = try await fixture.fail(fixture.message { $0.expiresAt = at(50) })
            let correction = Correction(
                recipient: PhoneNumber(unchecked: "+14155550999"), payload: .text("Corrected body"),
                expiresAt: .some(nil))
            _ = try await fixture.store.replay(failed.id, tenant: fixture.tenant, correction: correction, now: at(100))
            let claim = try await fixture.claimOne(at: 100)
            #expect(claim.message.recipient.text == "+14155550999")
            #expect(claim.message.payload == .text("Corrected body"))
            #expect(claim.message.expiresAt == nil)
            let entry = try #require(try await fixture.store.timeline(failed.id).first { $0.kind == .replayed })
            #expect(entry.detail?.contains("recipient") == true)
            #expect(entry.detail?.contains("body") == false)
        },
        Promise("only what stands in the dead-letter queue is replayed") { fixture in
            let queued = try await fixture.accept(fixture.message { $0.sendAt = at(1000) })
            let expired = try await fixture.fail(fixture.message(), ErrorReason(.expired), nil)
            for message in [queued, expired] {
                #expect(
                    try await fixture.store.replay(
                        message.id, tenant: fixture.tenant, correction: Correction(), now: at(2)) == .notFound)
            }
            let failed = try await fixture.fail(fixture.message())
            _ = try await fixture.store.replay(failed.id, tenant: fixture.tenant, correction: Correction(), now: at(2))
            #expect(
                try await fixture.store.replay(
                    failed.id, tenant: fixture.tenant, correction: Correction(), now: at(3)) == .notFound)
        },
        Promise("a claim from before a replay settles nothing after it") { fixture in
            try await fixture.accept(fixture.message())
            let old = try await fixture.claimOne()
            try await fixture.settle(old, .fail(ErrorReason(.rejected)), .rejected(ErrorReason(.rejected)))
            _ = try await fixture.store.replay(
                old.message.id, tenant: fixture.tenant, correction: Correction(), now: at(2))
            let new = try await fixture.claimOne(at: 3)
            #expect(new.token > old.token)
            #expect(
                try await fixture.settle(old, .sent(submissionID: "s", messageID: nil, lookUpAt: nil), at: 4) == nil)
            #expect(try await fixture.stored(old.message.id).status == .queued)
        },
        Promise("a replay after an outcome nobody could tell carries the risk of a duplicate") { fixture in
            let unknown = try await fixture.sendUnknown(fixture.message())
            _ = try await fixture.store.decide(
                [Decision(message: unknown.id, verdict: .fail(ErrorReason(.outcomeUnknown)))], now: at(20))
            let result = try await fixture.store.replay(
                unknown.id, tenant: fixture.tenant, correction: Correction(), now: at(30))
            guard case .replayed(let replayed) = result else { throw Broken("\(result)") }
            #expect(replayed.duplicateRisk)
        },
        Promise("news of the send before a replay change nothing after it") { fixture in
            let sent = try await fixture.send(fixture.message(), messageID: "m-1")
            try await fixture.acknowledge("m-1", .failed)
            _ = try await fixture.store.replay(sent.id, tenant: fixture.tenant, correction: Correction(), now: at(3))
            #expect(try await fixture.acknowledge("m-1", .device, at: 4).isEmpty)
            let stored = try await fixture.stored(sent.id)
            #expect(stored.status == .queued)
            #expect(stored.messageID == nil)
            #expect(stored.sentAt == nil)
        },
        Promise("a discarded message leaves the queue and stays in the log as failed") { fixture in
            let failed = try await fixture.fail(fixture.message())
            #expect(try await fixture.store.discard(failed.id, tenant: fixture.tenant, now: at(5)))
            #expect(try await !fixture.store.discard(failed.id, tenant: fixture.tenant, now: at(6)))
            let stored = try await fixture.stored(failed.id)
            #expect(stored.status == .failed)
            #expect(stored.errorReason == failed.errorReason)
            #expect(stored.deadLetteredAt == nil)
            var query = MessageQuery(tenant: fixture.tenant)
            query.deadLetteredOnly = true
            #expect(try await fixture.store.messages(query).elements.isEmpty)
        },
    ]

    static let redaction: [Promise<StoreFixture>] = [
        Promise("the content of a message to redact is gone once it is final") { fixture in
            let message = try await fixture.send(fixture.message { $0.redact = true }, messageID: "m-1")
            #expect(message.payload == .text("Hello"))
            let changed = try await fixture.acknowledge("m-1", .device)
            #expect(changed.map(\.payload) == [Payload(kind: .text, content: JSONObject())])
            #expect(try await fixture.stored(message.id).payload.content.isEmpty)
            let expired = try await fixture.fail(fixture.message { $0.redact = true }, ErrorReason(.expired), nil)
            #expect(try await fixture.stored(expired.id).payload.content.isEmpty)
        },
        Promise("a dead-lettered message to redact can be replayed with new content only") { fixture in
            let failed = try await fixture.fail(fixture.message { $0.redact = true })
            #expect(try await fixture.stored(failed.id).payload.content.isEmpty)
            let store = fixture.store
            #expect(
                try await store.replay(failed.id, tenant: fixture.tenant, correction: Correction(), now: at(5))
                    == .notFound)
            let correction = Correction(payload: .text("again"))
            guard
                case .replayed(let queued) = try await store.replay(
                    failed.id, tenant: fixture.tenant, correction: correction, now: at(5))
            else { throw Broken("not replayed") }
            #expect(queued.payload == .text("again"))
        },
        Promise("a message that is not to be redacted keeps its content") { fixture in
            let message = try await fixture.send(fixture.message(), messageID: "m-1")
            try await fixture.acknowledge("m-1", .read)
            #expect(try await fixture.stored(message.id).payload == .text("Hello"))
        },
    ]

    private static func backlogs(
        _ fixture: StoreFixture, at seconds: Double
    ) async throws -> [StoreStatistics.ChannelBacklog] {
        try await fixture.store.statistics(tenant: fixture.tenant, now: at(seconds)).backlogs
    }

    static let numbers: [Promise<StoreFixture>] = [
        Promise("the numbers follow every change") { fixture in
            #expect(try await fixture.counts() == [:])
            let failed = try await fixture.fail(fixture.message())
            try await fixture.send(fixture.message(), messageID: "m-1")
            try await fixture.accept(fixture.message())
            #expect(try await fixture.counts() == [.queued: 1, .sent: 1, .failed: 1])
            try await fixture.acknowledge("m-1", .device)
            #expect(try await fixture.counts() == [.queued: 1, .delivered: 1, .failed: 1])
            #expect(try await fixture.store.statistics(tenant: fixture.tenant, now: at(0)).deadLetters == 1)
            _ = try await fixture.store.replay(failed.id, tenant: fixture.tenant, correction: Correction(), now: at(3))
            #expect(try await fixture.counts() == [.queued: 2, .delivered: 1])
            #expect(try await fixture.store.statistics(tenant: fixture.tenant, now: at(0)).deadLetters == 0)
        },
        Promise("a backlog says how much waits for a channel and since when it is due") { fixture in
            try await fixture.accept(fixture.message(at: 5))
            try await fixture.accept(fixture.message(at: 3))
            try await fixture.accept(fixture.message { $0.sendAt = at(100) })
            #expect(
                try await backlogs(fixture, at: 10) == [.init(channel: fixture.channel, waiting: 3, oldestDueAt: at(3))]
            )
            #expect(
                try await backlogs(fixture, at: 2) == [.init(channel: fixture.channel, waiting: 3, oldestDueAt: nil)])
            _ = try await fixture.claim(at: 10)
            #expect(
                try await backlogs(fixture, at: 10) == [.init(channel: fixture.channel, waiting: 1, oldestDueAt: nil)])
        },
        Promise("a tenant's numbers are its own") { fixture in
            let other = try await fixture.addTenant()
            try await fixture.accept(fixture.message())
            let statistics = try await fixture.store.statistics(tenant: other, now: at(0))
            #expect(statistics.counts.values.allSatisfy { $0 == 0 })
            #expect(statistics.backlogs.isEmpty)
        },
        Promise("the queue's depth is by priority, over all tenants") { fixture in
            let other = try await fixture.addTenant()
            let theirs = try await fixture.addChannel(named: "theirs", tenant: other)
            #expect(
                try await fixture.store.queueDepth(now: at(0))
                    == QueueDepth(waiting: [.high: 0, .normal: 0, .low: 0], oldestDueAt: nil))
            try await fixture.accept(fixture.message(at: 2) { $0.priority = .high })
            try await fixture.accept(fixture.message(at: 3))
            try await fixture.accept(fixture.message(channel: theirs, tenant: other, at: 1))
            #expect(
                try await fixture.store.queueDepth(now: at(5))
                    == QueueDepth(waiting: [.high: 1, .normal: 2, .low: 0], oldestDueAt: at(1)))
            #expect(try await fixture.store.queueDepth(now: at(0)).oldestDueAt == nil)
            _ = try await fixture.claim(at: 5, channel: theirs)
            #expect(
                try await fixture.store.queueDepth(now: at(5))
                    == QueueDepth(waiting: [.high: 1, .normal: 1, .low: 0], oldestDueAt: at(2)))
        },
    ]
}
