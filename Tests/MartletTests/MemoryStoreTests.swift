import Martlet
import MartletTestSupport
import Testing

/// What tests and simulations rely on in the store in memory, beyond what every engine is checked for.
@Suite struct MemoryStoreTests {
    static let start = Timestamp(rfc3339: "2026-11-23T10:00:00Z")!
    static let tenant = TenantID(unchecked: "ten_1")
    static let channel = ChannelID(unchecked: "chn_1")

    let store = MemoryStore()
    let identifiers = IdentifierGenerator()

    func accept(
        _ text: String = "hello", to recipient: String = "+14155550123", priority: Priority = .normal,
        dueAt: Timestamp = start, expiresAt: Timestamp? = nil, key: String? = nil, hash: [UInt8] = [1]
    ) async throws -> AcceptanceResult {
        var message = Message(
            id: identifiers.next(), tenantID: Self.tenant, channelID: Self.channel,
            recipient: PhoneNumber(unchecked: recipient), payload: .text(text), createdAt: Self.start)
        message.priority = priority
        message.expiresAt = expiresAt
        message.job = JobSnapshot(state: .waiting, dueAt: dueAt, condition: nil, since: Self.start)
        let claim = key.map { IdempotencyClaim(key: $0, contentHash: hash, expiresAt: Self.start + .seconds(60)) }
        return try await store.accept([AcceptanceRequest(message: message, idempotency: claim)], now: Self.start)[0]
    }

    func accepted(
        _ text: String = "hello", to recipient: String = "+14155550123", priority: Priority = .normal,
        dueAt: Timestamp = start, expiresAt: Timestamp? = nil
    ) async throws -> MessageID {
        let result = try await accept(text, to: recipient, priority: priority, dueAt: dueAt, expiresAt: expiresAt)
        guard case .accepted(let message) = result else { throw StoreError(.conflict, "not accepted") }
        return message.id
    }

    func claim(_ limit: Int = 10, at now: Timestamp = start, interval: Duration? = nil) async throws -> ClaimBatch {
        try await store.claim(
            [ClaimRequest(channel: Self.channel, limit: limit, recipientInterval: interval)], worker: "w", now: now,
            leaseUntil: now + .seconds(30))[0]
    }

    @discardableResult
    func settle(
        _ claim: Claim, _ disposition: Disposition, at now: Timestamp = start,
        outcome: Outcome = .unknown(detail: "time-out")
    ) async throws -> Message? {
        let report = AttemptReport(outcome: outcome, httpStatus: nil, startedAt: now, duration: .milliseconds(5))
        return try await store.settle(
            [
                Settlement(
                    message: claim.message.id, token: claim.token, attempt: claim.attempt, report: report,
                    disposition: disposition)
            ], now: now)[0]
    }

    @Test func `keys are remembered for their window, also within one batch`() async throws {
        guard case .accepted(let first) = try await accept(key: "k") else { throw StoreError(.conflict, "") }
        guard case .replayed(let again) = try await accept(key: "k") else { throw StoreError(.conflict, "") }
        #expect(again.id == first.id)
        guard case .conflict(let other) = try await accept(key: "k", hash: [2]) else { throw StoreError(.conflict, "") }
        #expect(other == first.id)
        let purged = try await store.purge(now: Self.start + .seconds(61), limit: 10)
        #expect(purged == 1)
        guard case .accepted = try await accept(key: "k", hash: [2]) else { throw StoreError(.conflict, "") }
        #expect(store.messageCount == 2)
    }

    @Test func `high priority first, then the longest due, and nothing before its time`() async throws {
        let late = try await accepted(dueAt: Self.start - .seconds(1))
        let low = try await accepted(priority: .low, dueAt: Self.start - .seconds(100))
        let later = try await accepted(dueAt: Self.start + .seconds(5))
        let early = try await accepted(dueAt: Self.start - .seconds(2))
        let high = try await accepted(priority: .high)
        let first = try await claim(3)
        #expect(first.claims.map(\.message.id) == [high, early, late])
        #expect(first.nextDueAt == Self.start - .seconds(100))
        let second = try await claim()
        #expect(second.claims.map(\.message.id) == [low])
        #expect(second.nextDueAt == Self.start + .seconds(5))
        #expect(try await store.nextDue() == [Self.channel: Self.start + .seconds(5)])
        #expect(try await claim(at: Self.start + .seconds(5)).claims.map(\.message.id) == [later])
        #expect(try await store.claimHistory(channel: Self.channel, since: Self.start, limit: 3).count == 3)
    }

    @Test func `an old token changes nothing`() async throws {
        _ = try await accepted()
        let first = try await claim().claims[0]
        #expect(
            try await store.recoverLeases(
                now: Self.start + .seconds(31), worker: "sweeper", includingUnexpired: false, decideAt: Self.start + .seconds(40), limit: 10) == 1)
        _ = try await store.decide(
            [Decision(message: first.message.id, verdict: .retry(at: Self.start + .seconds(50)))],
            now: Self.start + .seconds(40))
        let second = try await claim(at: Self.start + .seconds(50)).claims[0]
        #expect(second.token > first.token)
        #expect(second.message.duplicateRisk)
        #expect(second.attempt == 2)
        #expect(try await settle(first, .sent(submissionID: "s", messageID: nil, lookUpAt: nil)) == nil)
        let sent = try await settle(second, .sent(submissionID: "s", messageID: nil, lookUpAt: nil))
        #expect(sent?.status == .sent)
        #expect(try await settle(second, .retry(at: Self.start)) == nil)
    }

    @Test func `a recipient's pace puts a job off`() async throws {
        let first = try await accepted()
        let second = try await accepted()
        let other = try await accepted(to: "+14155550999")
        #expect(try await claim(interval: .seconds(5)).claims.map(\.message.id) == [first, other])
        let waiting = try #require(try await store.message(second, tenant: nil)?.job)
        #expect(waiting.condition == .recipientPace)
        #expect(waiting.dueAt == Self.start + .seconds(5))
        #expect(
            try await claim(at: Self.start + .seconds(5), interval: .seconds(5)).claims.map(\.message.id) == [second])
    }

    @Test func `what is expired is failed, not claimed`() async throws {
        let id = try await accepted(expiresAt: Self.start + .seconds(1))
        let other = try await accepted(dueAt: Self.start + .seconds(100), expiresAt: Self.start + .seconds(2))
        let batch = try await claim(at: Self.start + .seconds(1))
        #expect(batch.claims.isEmpty)
        #expect(batch.expired.map(\.id) == [id])
        #expect(batch.expired[0].errorReason == "expired")
        #expect(batch.expired[0].deadLetteredAt == nil)
        #expect(try await store.expire(now: Self.start + .seconds(2), limit: 10).map(\.id) == [other])
        #expect(try await store.queueDepth(now: Self.start).waiting[.normal] == 0)
    }

    @Test func `a hold costs no attempt and says why, a release leaves no trace`() async throws {
        let id = try await accepted()
        let held = try await settle(
            try await claim().claims[0], .hold(until: Self.start + .seconds(3), .sessionDisconnected),
            outcome: .sessionDown(detail: "logged out"))
        #expect(held?.attempts == 0)
        #expect(held?.job?.condition == .sessionDisconnected)
        let released = try await settle(try await claim(at: Self.start + .seconds(3)).claims[0], .release)
        #expect(released?.job?.condition == .sessionDisconnected)
        #expect(released?.job?.since == Self.start)
        #expect(released?.job?.dueAt == Self.start + .seconds(3))
        let sent = try await settle(
            try await claim(at: Self.start + .seconds(3)).claims[0],
            .sent(submissionID: "s", messageID: "m", lookUpAt: nil),
            outcome: .accepted(submissionID: "s", messageID: "m"))
        #expect(sent?.attempts == 1)
        let kinds = try await store.timeline(id).map(\.kind)
        #expect(kinds.filter { $0 == .held }.count == 1)
        #expect(kinds.filter { $0 == .released }.count == 1)
        #expect(kinds.last == .sent)
    }

    @Test func `acknowledgements that come first are kept and applied`() async throws {
        let id = try await accepted()
        let claim = try await claim().claims[0]
        func acknowledgement(_ level: AcknowledgementLevel) -> Acknowledgement {
            Acknowledgement(channel: Self.channel, messageID: "wa", level: level, at: Self.start)
        }
        #expect(try await store.apply([acknowledgement(.read), acknowledgement(.device)], now: Self.start).isEmpty)
        #expect(store.parkedCount == 2)
        let sent = try await settle(claim, .sent(submissionID: "s", messageID: "wa", lookUpAt: nil))
        #expect(sent?.status == .read)
        #expect(sent?.deliveredAt == Self.start)
        #expect(store.parkedCount == 0)
        #expect(try await store.apply([acknowledgement(.server), acknowledgement(.failed)], now: Self.start).isEmpty)
        #expect(try await store.message(id, tenant: nil)?.status == .read)
    }

    @Test func `an unknown outcome is settled by a look-up, or by its one echo`() async throws {
        let looked = try await accepted("first")
        try await settle(
            try await claim().claims[0],
            .unknown(lookUpAt: Self.start + .seconds(1), decideAt: Self.start + .seconds(15)))
        let next = try await store.nextReconciliation()
        #expect(next.lookUpAt == Self.start + .seconds(1))
        #expect(next.decideAt == Self.start + .seconds(15))
        let questions = try await store.claimLookUps(
            limit: 10, perChannel: 10, except: [], now: Self.start + .seconds(1), leaseUntil: Self.start + .seconds(9))
        #expect(questions.map(\.purpose) == [.outcome])
        let found = try await store.settleLookUps(
            [
                LookUpSettlement(
                    message: looked, purpose: .outcome, submissionID: "s", messageID: "wa-1", isWorthAnEntry: true)
            ],
            now: Self.start + .seconds(2))
        #expect(found.map(\.status) == [.sent])
        #expect(try await store.undecided(now: Self.start + .seconds(60), limit: 10).isEmpty)

        let echoed = try await accepted("second")
        try await settle(try await claim().claims[0], .unknown(lookUpAt: nil, decideAt: Self.start + .seconds(15)))
        let echo = Acknowledgement(
            channel: Self.channel, messageID: "wa-2", level: .device, at: Self.start,
            echo: .init(recipient: PhoneNumber(unchecked: "+14155550123"), text: "second"))
        _ = try await store.apply([echo], now: Self.start + .seconds(3))
        let undecided = try await store.undecided(now: Self.start + .seconds(15), limit: 10)
        #expect(undecided.map(\.message.id) == [echoed])
        #expect(undecided[0].echoMessageID == "wa-2")
        let decided = try await store.decide(
            [Decision(message: echoed, verdict: .sent(messageID: "wa-2"))], now: Self.start + .seconds(15))
        #expect(decided.map(\.status) == [.delivered])
    }

    @Test func `two that an echo could belong to leave it alone`() async throws {
        for _ in 0..<2 { _ = try await accepted("same") }
        for claim in try await claim().claims {
            try await settle(claim, .unknown(lookUpAt: nil, decideAt: Self.start + .seconds(15)))
        }
        let echo = Acknowledgement(
            channel: Self.channel, messageID: "wa", level: .server, at: Self.start,
            echo: .init(recipient: PhoneNumber(unchecked: "+14155550123"), text: "same"))
        _ = try await store.apply([echo], now: Self.start)
        let undecided = try await store.undecided(now: Self.start + .seconds(15), limit: 10)
        #expect(undecided.map(\.echoMessageID) == [nil, nil])
    }

    @Test func `counters follow every change`() async throws {
        let ids = [try await accepted(), try await accepted(), try await accepted()]
        let claims = try await claim(2).claims
        try await settle(claims[0], .sent(submissionID: "s", messageID: nil, lookUpAt: nil))
        try await settle(claims[1], .fail(ErrorReason(.rejected)), outcome: .rejected(ErrorReason(.rejected)))
        _ = try await store.cancel(ids[2], tenant: Self.tenant, now: Self.start)
        var numbers = try await store.statistics(tenant: Self.tenant, now: Self.start)
        #expect(numbers.counts == [.sent: 1, .failed: 2])
        #expect(numbers.deadLetters == 1)
        _ = try await store.replay(ids[1], tenant: Self.tenant, correction: Correction(), now: Self.start)
        numbers = try await store.statistics(tenant: Self.tenant, now: Self.start)
        #expect(numbers.counts == [.sent: 1, .failed: 1, .queued: 1])
        #expect(numbers.deadLetters == 0)
        #expect(try await store.removeFinal(createdBefore: Self.start + .seconds(1), limit: 10) == 1)
        #expect(store.messageCount == 2)
    }

    @Test func `the inbox leases, completes and sets aside`() async throws {
        let entries = (0..<3).map { InboxEntry(channel: Self.channel, receivedAt: Self.start, body: [UInt8($0)]) }
        try await store.append(entries)
        let leased = try await store.lease(limit: 2, now: Self.start, until: Self.start + .seconds(5))
        #expect(leased.map(\.entry) == Array(entries.prefix(2)))
        #expect(
            try await store.lease(limit: 5, now: Self.start, until: Self.start + .seconds(5)).map(\.entry) == [
                entries[2]
            ])
        try await store.complete([leased[0].sequence])
        try await store.setAside([(leased[1].sequence, "no JSON")], now: Self.start)
        #expect(try await store.depth().waiting == 1)
        #expect(store.setAsideEntries.map(\.reason) == ["no JSON"])
        #expect(
            try await store.lease(limit: 5, now: Self.start + .seconds(5), until: Self.start + .seconds(9)).count == 1)
    }
}
