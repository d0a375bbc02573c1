import Martlet
import Testing

/// What ``DispatchQueue`` promises of settling.
package enum SettlementPromises {
    package static let all: [Promise<StoreFixture>] = outcomes + putBacks + fencing

    private static func at(_ seconds: Double) -> Timestamp { StoreFixture.at(seconds) }

    static let outcomes: [Promise<StoreFixture>] = [
        Promise("sent: the status, both ids, the attempt, and no job any more") { fixture in
            let message = try await fixture.accept(fixture.message())
            let claim = try await fixture.claimOne(at: 1)
            let settlement = Settlement(
                message: message.id, token: claim.token, attempt: 1,
                report: fixture.report(.accepted(submissionID: "s-1", messageID: "m-1"), at: 1.1, httpStatus: 200),
                disposition: .sent(submissionID: "s-1", messageID: "m-1", lookUpAt: nil))
            let sent = try #require(try await fixture.store.settle([settlement], now: at(2)).first ?? nil)
            #expect(sent.status == .sent)
            #expect(sent.submissionID == "s-1")
            #expect(sent.messageID == "m-1")
            #expect(sent.attempts == 1)
            #expect(sent.sentAt == at(2))
            #expect(sent.updatedAt == at(2))
            #expect(sent.job == nil)
            #expect(try await fixture.stored(message.id) == sent)
            let timeline = try await fixture.store.timeline(message.id)
            #expect(timeline.map(\.kind) == [.accepted, .attempt, .sent])
            let attempt = timeline[1]
            #expect(attempt.attempt == 1)
            #expect(attempt.outcome == "accepted")
            #expect(attempt.httpStatus == 200)
            #expect(attempt.durationMilliseconds == 80)
            #expect(attempt.error == nil)
            #expect(attempt.at == at(1.1))
            #expect(try await fixture.claim(at: 1000).claims.isEmpty)
        },
        Promise("retry: the attempt counts and the next is due then") { fixture in
            let message = try await fixture.accept(fixture.message())
            let claim = try await fixture.claimOne()
            let retried = try #require(
                try await fixture.settle(
                    claim, .retry(at: at(6)), .transient(detail: "HTTP 500: no luck", retryAfter: nil), at: 1))
            #expect(retried.status == .queued)
            #expect(retried.attempts == 1)
            #expect(retried.job == JobSnapshot(state: .waiting, dueAt: at(6), condition: .retrying, since: at(1)))
            #expect(try await fixture.claim(at: 5.9).claims.isEmpty)
            let next = try await fixture.claimOne(at: 6)
            #expect(next.attempt == 2)
            #expect(next.token > claim.token)
            let attempt = try await fixture.store.timeline(message.id)[1]
            #expect(attempt.outcome == "transient")
            #expect(attempt.error == "HTTP 500: no luck")
        },
        Promise("fail: failed and, unless it was the sender's own doing, dead-lettered") { fixture in
            let message = try await fixture.fail(
                fixture.message(), ErrorReason(.attemptsExhausted, "HTTP 500"),
                .transient(detail: "HTTP 500", retryAfter: nil))
            #expect(message.status == .failed)
            #expect(message.attempts == 1)
            #expect(message.errorReason == "attempts_exhausted: HTTP 500")
            #expect(message.failedAt == at(1))
            #expect(message.deadLetteredAt == at(1))
            #expect(message.job == nil)
            #expect(try await fixture.kinds(message.id) == [.accepted, .attempt, .failed, .deadLettered])
            let optedOut = try await fixture.fail(fixture.message(), ErrorReason(.recipientOptedOut), nil)
            #expect(optedOut.deadLetteredAt == nil)
            #expect(try await fixture.kinds(optedOut.id) == [.accepted, .failed])
        },
        Promise("fail without an attempt counts none") { fixture in
            let message = try await fixture.fail(fixture.message(), ErrorReason(.expired), nil)
            #expect(message.attempts == 0)
            #expect(try await fixture.kinds(message.id) == [.accepted, .expired])
        },
        Promise("unknown: the attempt counts, nobody claims it, and it is to be decided then") { fixture in
            let message = try await fixture.sendUnknown(fixture.message(), decideAt: 16)
            #expect(message.status == .queued)
            #expect(message.attempts == 1)
            #expect(message.job == JobSnapshot(state: .unknown, dueAt: at(16), condition: nil, since: at(1)))
            #expect(try await fixture.claim(at: 1000).claims.isEmpty)
            #expect(try await fixture.store.undecided(now: at(15), limit: 10).isEmpty)
            let undecided = try await fixture.store.undecided(now: at(16), limit: 10)
            #expect(undecided.map(\.message.id) == [message.id])
            #expect(undecided.map(\.since) == [at(1)])
            #expect(undecided.first?.echoMessageID == nil)
        },
        Promise("a provider's words are cut to a length that can be kept") { fixture in
            let words = String(repeating: "x", count: 5000)
            let message = try await fixture.fail(
                fixture.message(), ErrorReason(.rejected, words), .transient(detail: words, retryAfter: nil))
            let longest = ErrorReason.detailCharactersMax + 20
            #expect(try #require(message.errorReason).count <= longest)
            #expect(try await fixture.store.timeline(message.id).allSatisfy { ($0.error?.count ?? 0) <= longest })
        },
    ]

    static let putBacks: [Promise<StoreFixture>] = [
        Promise("hold: the attempt does not count, and the message says why it waits") { fixture in
            let message = try await fixture.accept(fixture.message())
            let claim = try await fixture.claimOne()
            let held = try #require(
                try await fixture.settle(
                    claim, .hold(until: at(10), .sessionDisconnected), .sessionDown(detail: "logged out"), at: 1))
            #expect(held.attempts == 0)
            #expect(
                held.job == JobSnapshot(state: .waiting, dueAt: at(10), condition: .sessionDisconnected, since: at(1)))
            let timeline = try await fixture.store.timeline(message.id)
            #expect(timeline.map(\.kind) == [.accepted, .attempt, .held])
            #expect(timeline[1].outcome == "session_down")
            #expect(timeline[2].detail == "held: session disconnected")
            let next = try await fixture.claimOne(at: 10)
            #expect(next.attempt == 1)
            #expect(try await fixture.kinds(message.id) == [.accepted, .attempt, .held, .released])
        },
        Promise("held again for the same reason, the timeline does not say it again") { fixture in
            let message = try await fixture.accept(fixture.message())
            for second in stride(from: 0.0, to: 30, by: 10) {
                let claim = try await fixture.claimOne(at: second)
                try await fixture.settle(claim, .hold(until: at(second + 10), .channelPaused), at: second + 1)
            }
            #expect(try await fixture.kinds(message.id) == [.accepted, .held, .released])
            #expect(try await fixture.stored(message.id).job?.since == at(1))
            let claim = try await fixture.claimOne(at: 30)
            try await fixture.settle(claim, .hold(until: at(40), .providerRateLimit), at: 31)
            #expect(try await fixture.kinds(message.id) == [.accepted, .held, .released, .held])
        },
        Promise("release: waiting as before, nothing in the timeline") { fixture in
            let message = try await fixture.accept(fixture.message())
            let claim = try await fixture.claimOne(at: 1)
            let released = try #require(try await fixture.settle(claim, .release, at: 2))
            #expect(released == message)
            #expect(try await fixture.kinds(message.id) == [.accepted])
            #expect(try await fixture.claimOne(at: 2).attempt == 1)
        },
        Promise("what would wait for a channel that is gone fails as `channel_deleted`") { fixture in
            let message = try await fixture.accept(fixture.message())
            let claim = try await fixture.claimOne()
            #expect(try await fixture.store.deleteChannel(fixture.channel, now: at(0.5)))
            let settled = try #require(
                try await fixture.settle(
                    claim, .retry(at: at(6)), .transient(detail: "HTTP 500", retryAfter: nil), at: 1))
            #expect(settled.status == .failed)
            #expect(settled.errorReason == "channel_deleted")
            #expect(settled.deadLetteredAt == at(1))
            #expect(try await fixture.stored(message.id) == settled)
        },
    ]

    static let fencing: [Promise<StoreFixture>] = [
        Promise("a claim settles once") { fixture in
            try await fixture.accept(fixture.message())
            let claim = try await fixture.claimOne()
            #expect(try await fixture.settle(claim, .release) != nil)
            #expect(
                try await fixture.settle(claim, .fail(ErrorReason(.rejected)), .rejected(ErrorReason(.rejected))) == nil
            )
            #expect(try await fixture.stored(claim.message.id).status == .queued)
        },
        Promise("a token that is not the newest changes nothing") { fixture in
            try await fixture.accept(fixture.message())
            let old = try await fixture.claimOne()
            try await fixture.settle(old, .release)
            let new = try await fixture.claimOne(at: 2)
            #expect(new.token > old.token)
            #expect(
                try await fixture.settle(old, .sent(submissionID: "s", messageID: nil, lookUpAt: nil), at: 3) == nil)
            #expect(try await fixture.stored(old.message.id).job?.state == .claimed)
            #expect(try await fixture.kinds(old.message.id) == [.accepted])
            #expect(
                try await fixture.settle(new, .sent(submissionID: "s", messageID: nil, lookUpAt: nil), at: 3) != nil)
        },
        Promise("results come in the order of the batch, nil where the token was old or the message unknown") {
            fixture in
            for _ in 0..<3 { try await fixture.accept(fixture.message()) }
            let claims = try await fixture.claim().claims
            try #require(claims.count == 3)
            func settlement(_ id: MessageID, _ token: Int64) -> Settlement {
                Settlement(message: id, token: token, attempt: 1, report: nil, disposition: .release)
            }
            let results = try await fixture.store.settle(
                [
                    settlement(claims[2].message.id, claims[2].token),
                    settlement(claims[0].message.id, claims[0].token + 1),
                    settlement(fixture.ids.next(), 1),
                    settlement(claims[1].message.id, claims[1].token),
                ], now: at(1))
            #expect(results.map { $0?.id } == [claims[2].message.id, nil, nil, claims[1].message.id])
        },
    ]
}
