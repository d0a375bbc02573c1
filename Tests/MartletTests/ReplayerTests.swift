import Martlet
import MartletTestSupport
import Synchronization
import Testing

/// Bulk replays by the whole pipeline, in virtual time.
@Suite struct ReplayerTests {
    /// Numbers of this country code are refused for good.
    private static let wrongPrefix = "+4411"

    private func harness(configuration: PipelineConfiguration = PipelineConfiguration()) -> PipelineHarness {
        let simulation = Simulation()
        return PipelineHarness(
            simulation: simulation,
            provider: FakeProvider(time: simulation.time) { receipt in
                if receipt.message.recipient.text.hasPrefix(Self.wrongPrefix) {
                    return SendAnswer(.rejected(ErrorReason(.invalidRecipient, "not on WhatsApp")), httpStatus: 422)
                }
                return SendAnswer(
                    .accepted(submissionID: "s-\(receipt.message.id)", messageID: "w-\(receipt.message.id)"),
                    httpStatus: 200)
            }, configuration: configuration)
    }

    /// Sends messages to numbers that do not exist and waits until all are dead-lettered.
    private func deadLetters(
        _ count: Int, _ harness: PipelineHarness, _ channel: Channel, _ node: PipelineHarness.Node,
        change: (Int, inout JSONObject) -> Void = { _, _ in }
    ) async throws -> [MessageID] {
        let drafts = try (0..<count).map { index in
            Result<MessageDraft, FieldErrors>.success(
                try harness.draft("text \(index)", to: "\(Self.wrongPrefix)\(10_000_000 + index)", channel: channel) {
                    change(index, &$0)
                })
        }
        let ids = try await node.acceptance.accept(drafts, tenant: channel.tenantID)
            .compactMap { try? $0.get().message?.id }
        try await harness.waitUntilNothingIsQueued()
        return ids
    }

    private func start(
        _ harness: PipelineHarness, _ channel: Channel, _ node: PipelineHarness.Node? = nil, perSecond: Double = 20,
        includeExpired: Bool = false,
        correction: BulkCorrection = BulkCorrection(numberPrefix: .init(wrong: wrongPrefix, right: "+44")),
        filter: DeadLetterFilter = DeadLetterFilter()
    ) async throws -> ReplayJob {
        let now = harness.steadyTime.now()
        let count = try await harness.store.countDeadLetters(filter, tenant: channel.tenantID, now: now)
        let job = ReplayJob(
            id: harness.identifiers.next(), tenantID: channel.tenantID, filter: filter, perSecond: perSecond,
            includeExpired: includeExpired, correction: correction, matched: count.matched, createdAt: now)
        #expect(try await harness.store.insert(job, runningMax: 10))
        node?.pipeline.wakeReplays()
        return job
    }

    private func job(_ harness: PipelineHarness, _ job: ReplayJob) async throws -> ReplayJob {
        try #require(try await harness.store.replayJob(job.id, tenant: job.tenantID))
    }

    private func waitForEnd(_ harness: PipelineHarness, _ job: ReplayJob) async throws -> ReplayJob {
        try await harness.wait { try await self.job(harness, job).status != .running }
        return try await self.job(harness, job)
    }

    /// What was sent after the first so many, by when it was received.
    private func receipts(_ harness: PipelineHarness, after count: Int) -> [FakeProvider.Receipt] {
        Array(harness.provider.receipts.dropFirst(count))
    }

    @Test func `a thousand with a wrong country code, corrected, at 20 a second, the node killed halfway`() async throws
    {
        let harness = harness()
        try await harness.simulation.run {
            let channel = try await harness.makeChannel()
            let (started, ids) = try await harness.withNode { node in
                let ids = try await deadLetters(1000, harness, channel, node)
                let started = try await start(harness, channel, node)
                try await harness.wait { try await job(harness, started).replayed >= 500 }
                return (started, ids)
            }
            let killedAt = try await job(harness, started).replayed
            #expect(killedAt < 600)
            // Nothing happens while nobody runs.
            try await harness.time.sleep(for: .seconds(10))
            #expect(try await job(harness, started).replayed == killedAt)

            let restarted = PipelineHarness(restarting: harness)
            try await restarted.directory.load()
            try await restarted.withNode(worker: "worker-2") { node in
                let over = try await waitForEnd(restarted, started)
                #expect((over.status, over.matched, over.replayed) == (.finished, 1000, 1000))
                #expect((over.skipped, over.failed) == (0, 0))
                try await restarted.waitUntilNothingIsQueued()
                for id in ids {
                    let answer = await restarted.webhook(channel, ["id": .string("w-\(id)"), "level": 3], to: node)
                    #expect(answer == .stored)
                }
                try await restarted.wait { restarted.store.allMessages.allSatisfy { $0.status == .delivered } }
            }
            let sent = receipts(harness, after: 1000)
            #expect(sent.map(\.message.id).sorted() == ids.sorted())
            #expect(sent.allSatisfy { $0.message.recipient.text.hasPrefix("+4410") })
            let began = try #require(sent.first?.receivedAt)
            let seconds = try #require(sent.last?.receivedAt) - began
            // Fifty seconds of work, and the pause of ten.
            #expect(seconds >= .seconds(59) && seconds <= .seconds(62), "\(seconds)")
            for receipt in sent {
                let within = sent.count {
                    $0.receivedAt >= receipt.receivedAt && $0.receivedAt < receipt.receivedAt + .seconds(1)
                }
                #expect(within <= 23)
            }
            for message in harness.store.allMessages {
                #expect(!message.duplicateRisk)
                #expect(message.attempts == 1)
            }
        }
    }

    @Test func `a portion whose answer was lost is not taken twice`() async throws {
        let harness = harness()
        let steps = Atomic(0)
        harness.store.interpose(
            nil,
            after: { operation throws(StoreError) in
                guard operation == .advanceReplay else { return }
                if steps.add(1, ordering: .relaxed).newValue.isMultiple(of: 3) {
                    throw StoreError(.unavailable, "the connection broke")
                }
            })
        try await harness.simulation.run {
            let channel = try await harness.makeChannel()
            try await harness.withNode { node in
                let ids = try await deadLetters(200, harness, channel, node)
                let over = try await waitForEnd(harness, try await start(harness, channel, node))
                #expect((over.replayed, over.skipped, over.failed) == (200, 0, 0))
                // What a lost answer told nobody is found by the dispatcher's own look.
                try await harness.waitUntilNothingIsQueued()
                #expect(receipts(harness, after: 200).map(\.message.id).sorted() == ids.sorted())
                #expect(steps.load(ordering: .relaxed) > 3)
            }
        }
    }

    @Test func `a cancelled job takes no more, and what it queued is sent`() async throws {
        let harness = harness()
        try await harness.simulation.run {
            let channel = try await harness.makeChannel()
            try await harness.withNode { node in
                _ = try await deadLetters(300, harness, channel, node)
                let started = try await start(harness, channel, node)
                try await harness.wait { try await job(harness, started).replayed >= 100 }
                let result = try await harness.store.cancelReplayJob(
                    started.id, tenant: channel.tenantID, now: harness.steadyTime.now())
                guard case .cancelled(let cancelled) = result else {
                    Issue.record("\(result)")
                    return
                }
                try await harness.time.sleep(for: .seconds(30))
                #expect(try await job(harness, started) == cancelled)
                #expect(cancelled.replayed < 110)
                #expect(receipts(harness, after: 300).count == cancelled.replayed)
                #expect(harness.store.allMessages.count { $0.deadLetteredAt != nil } == 300 - cancelled.replayed)
            }
        }
    }

    @Test func `what is expired is skipped without waiting for its turn, unless it is asked for`() async throws {
        let harness = harness()
        try await harness.simulation.run {
            let channel = try await harness.makeChannel()
            try await harness.withNode { node in
                _ = try await deadLetters(500, harness, channel, node) { index, draft in
                    if index < 490 { draft["expires_in"] = 60 }
                }
                try await harness.time.sleep(for: .seconds(120))
                let began = harness.time.monotonicNow()
                let first = try await waitForEnd(harness, try await start(harness, channel, node, perSecond: 5))
                #expect((first.matched, first.replayed, first.skipped) == (500, 10, 490))
                // Ten messages at five a second: what was skipped took no part of the pace.
                #expect(harness.time.monotonicNow() - began < .seconds(4))
                let second = try await waitForEnd(
                    harness, try await start(harness, channel, node, perSecond: 500, includeExpired: true))
                #expect((second.matched, second.replayed, second.skipped) == (490, 490, 0))
                try await harness.waitUntilNothingIsQueued()
                #expect(harness.store.allMessages.allSatisfy { $0.status == .sent })
                #expect(harness.provider.receipts.count == 1000)
            }
        }
    }

    @Test func `what cannot be replayed is counted and stays`() async throws {
        let harness = harness()
        try await harness.simulation.run {
            let channel = try await harness.makeChannel()
            let other = try await harness.makeChannel(
                "other", tenant: try #require(harness.directory.tenant(channel.tenantID)))
            try await harness.withNode { node in
                _ = try await deadLetters(3, harness, channel, node)
                let orphans = try await deadLetters(2, harness, other, node)
                #expect(try await harness.directory.deleteChannel(other.id))
                let tooShort = BulkCorrection(
                    numberPrefix: .init(wrong: "\(Self.wrongPrefix)10000001", right: "+4"))
                let over = try await waitForEnd(harness, try await start(harness, channel, node, correction: tooShort))
                // Two numbers are left as they are and refused again; the third comes out too short.
                #expect((over.matched, over.replayed, over.skipped, over.failed) == (5, 2, 0, 3))
                #expect(over.lastFailure == "\(orphans[1]): its channel was deleted")
                try await harness.waitUntilNothingIsQueued()
                #expect(harness.store.allMessages.allSatisfy { $0.deadLetteredAt != nil })
            }
        }
    }

    @Test func `several jobs keep a pace each`() async throws {
        let harness = harness()
        try await harness.simulation.run {
            let channel = try await harness.makeChannel()
            let other = try await harness.makeChannel(
                "other", tenant: try #require(harness.directory.tenant(channel.tenantID)))
            try await harness.withNode { node in
                _ = try await deadLetters(100, harness, channel, node)
                _ = try await deadLetters(100, harness, other, node)
                var slow = DeadLetterFilter()
                slow.channel = channel.id
                var fast = DeadLetterFilter()
                fast.channel = other.id
                let began = harness.time.now()
                let slowJob = try await start(harness, channel, node, perSecond: 5, filter: slow)
                let fastJob = try await start(harness, channel, node, perSecond: 50, filter: fast)
                let fastOver = try await waitForEnd(harness, fastJob)
                let slowOver = try await waitForEnd(harness, slowJob)
                #expect((fastOver.replayed, slowOver.replayed) == (100, 100))
                let fastTook = try #require(fastOver.finishedAt) - began
                let slowTook = try #require(slowOver.finishedAt) - began
                #expect(fastTook >= .milliseconds(1900) && fastTook <= .milliseconds(3500), "\(fastTook)")
                #expect(slowTook >= .milliseconds(19_500) && slowTook <= .milliseconds(21_500), "\(slowTook)")
            }
        }
    }

    @Test func `a store that is away holds a job up and no more`() async throws {
        let harness = harness()
        let isAway = Atomic(false)
        harness.store.interpose { operation throws(StoreError) in
            if isAway.load(ordering: .relaxed) { throw StoreError(.unavailable, "the store is away") }
        }
        try await harness.simulation.run {
            let channel = try await harness.makeChannel()
            try await harness.withNode { node in
                _ = try await deadLetters(200, harness, channel, node)
                let started = try await start(harness, channel, node)
                try await harness.wait { try await job(harness, started).replayed >= 50 }
                isAway.store(true, ordering: .relaxed)
                try await harness.time.sleep(for: .seconds(60))
                isAway.store(false, ordering: .relaxed)
                let back = harness.time.monotonicNow()
                let over = try await waitForEnd(harness, started)
                #expect((over.replayed, over.skipped, over.failed) == (200, 0, 0))
                #expect(harness.time.monotonicNow() - back >= .seconds(7))
                try await harness.waitUntilNothingIsQueued()
                #expect(harness.store.allMessages.allSatisfy { $0.status == .sent })
            }
        }
    }
}
