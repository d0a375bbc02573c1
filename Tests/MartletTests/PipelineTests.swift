import Martlet
import MartletTestSupport
import Synchronization
import Testing

/// What the whole pipeline does, in virtual time.
@Suite struct PipelineTests {
    private func harness(
        traits: ProviderTraits = FakeProvider.plainTraits, seed: UInt64 = 1,
        configuration: PipelineConfiguration = PipelineConfiguration(),
        sending: FakeProvider.Sending? = nil,
        lookingUp: @escaping @Sendable (LookUp) async -> LookUpAnswer = { _ in .unsupported }
    ) -> PipelineHarness {
        let simulation = Simulation()
        let time = simulation.time
        let answer: FakeProvider.Sending = { receipt in
            try? await time.sleep(for: .milliseconds(30))
            return SendAnswer(
                .accepted(submissionID: "s-\(receipt.message.id)", messageID: "w-\(receipt.message.id)"),
                httpStatus: 200)
        }
        return PipelineHarness(
            simulation: simulation,
            provider: FakeProvider(time: time, traits: traits, sending: sending ?? answer, lookingUp: lookingUp),
            configuration: configuration, seed: seed)
    }

    private func accepted(
        _ harness: PipelineHarness, _ channel: Channel, _ node: PipelineHarness.Node, count: Int,
        priority: String = "normal", prefix: String = "text"
    ) async throws -> [MessageID] {
        let drafts = try (0..<count).map { index in
            Result<MessageDraft, FieldErrors>.success(
                try harness.draft("\(prefix) \(index)", channel: channel) { $0["priority"] = .string(priority) })
        }
        return try await node.acceptance.accept(drafts, tenant: channel.tenantID)
            .compactMap { try? $0.get().message?.id }
    }

    @Test func `a message is sent once and follows its webhooks`() async throws {
        let harness = harness()
        let status = try await harness.simulation.run {
            let channel = try await harness.makeChannel()
            return try await harness.withNode { node in
                let id = try #require(try await accepted(harness, channel, node, count: 1).first)
                try await harness.waitUntilNothingIsQueued()
                for level in [2, 3, 4] {
                    let answer = await harness.webhook(
                        channel, ["id": .string("w-\(id)"), "level": .integer(Int64(level))], to: node)
                    #expect(answer == .stored)
                }
                try await harness.wait { try await harness.store.message(id, tenant: nil)?.status == .read }
                let kinds = try await harness.store.timeline(id).map(\.kind)
                #expect(kinds == [.accepted, .attempt, .sent, .acknowledged, .delivered, .read])
                return try await harness.store.message(id, tenant: nil)?.status
            }
        }
        #expect(status == .read)
        #expect(harness.provider.receipts.count == 1)
    }

    @Test func `transient failures are tried at 0, 5, 20, 65, 200 and 605 seconds, then dead-lettered, then replayed`()
        async throws
    {
        let isMended = Atomic(false)
        let harness = harness(sending: { receipt in
            isMended.load(ordering: .relaxed)
                ? SendAnswer(.accepted(submissionID: "1", messageID: "w1"), httpStatus: 200)
                : SendAnswer(.transient(detail: "busy", retryAfter: nil), httpStatus: 503)
        })
        try await harness.simulation.run {
            let channel = try await harness.makeChannel()
            try await harness.withNode { node in
                let id = try #require(try await accepted(harness, channel, node, count: 1).first)
                try await harness.waitUntilNothingIsQueued()
                let start = try #require(harness.provider.receipts.first?.receivedAt)
                let offsets = harness.provider.receipts.map { ($0.receivedAt - start).seconds }
                #expect(offsets.count == 6)
                for (offset, planned) in zip(offsets, [0.0, 5, 20, 65, 200, 605]) {
                    #expect(offset >= planned)
                    #expect(offset <= planned * 1.1 + 0.1)
                }
                let message = try #require(try await harness.store.message(id, tenant: nil))
                #expect(message.status == .failed)
                #expect(message.attempts == 6)
                #expect(message.errorReason == "attempts_exhausted: busy")
                #expect(message.deadLetteredAt != nil)
                isMended.store(true, ordering: .relaxed)
                let corrected = PhoneNumber(unchecked: "+14155550199")
                let replayed = try await harness.store.replay(
                    id, tenant: channel.tenantID, correction: Correction(recipient: corrected), now: harness.time.now())
                guard case .replayed(let queued) = replayed else {
                    Issue.record("not replayed")
                    return
                }
                #expect(queued.id == id)
                node.pipeline.wake(channel.id, dueAt: harness.time.now())
                try await harness.waitUntilNothingIsQueued()
                #expect(harness.provider.receipts.last?.message.recipient == corrected)
                let history = try await harness.store.timeline(id).filter { $0.kind == .attempt }
                #expect(history.count == 7)
                #expect(history.first?.httpStatus == 503)
            }
        }
    }

    @Test func `a refusal goes to the dead-letter queue at once`() async throws {
        let harness = harness(sending: { _ in
            SendAnswer(.rejected(ErrorReason(.invalidRecipient, "no such number")), httpStatus: 422)
        })
        try await harness.simulation.run {
            let channel = try await harness.makeChannel()
            try await harness.withNode { node in
                _ = try await accepted(harness, channel, node, count: 1)
                try await harness.waitUntilNothingIsQueued(upTo: .seconds(1))
                let message = try #require(harness.store.allMessages.first)
                #expect(message.errorReason == "invalid_recipient: no such number")
                #expect(message.deadLetteredAt != nil)
                #expect(message.attempts == 1)
            }
        }
    }

    @Test func `a backlog leaves at 45 a second and no window holds more than 50`() async throws {
        let harness = harness()
        try await harness.simulation.run {
            let channel = try await harness.makeChannel(limits: [RateLimit(count: 50, perSeconds: 1)])
            try await harness.withNode { node in
                let start = harness.time.monotonicNow()
                _ = try await accepted(harness, channel, node, count: 900)
                try await harness.waitUntilNothingIsQueued()
                let last = try #require(harness.provider.receipts.last?.receivedAt)
                let rate = 900 / (last - start).seconds
                #expect(abs(rate - 45) < 45 * 0.02, "\(rate)/s")
                #expect(harness.provider.highestCount(in: .seconds(1)) <= 50)
            }
        }
    }

    @Test func `restarts do not let more through`() async throws {
        let harness = harness()
        try await harness.simulation.run {
            let channel = try await harness.makeChannel(limits: [RateLimit(count: 50, perSeconds: 1)])
            for round in 1...12 {
                let fresh = PipelineHarness(restarting: harness)
                try await fresh.directory.load()
                try await fresh.withNode(worker: "worker-\(round)") { node in
                    if round == 1 { _ = try await accepted(fresh, channel, node, count: 400) }
                    try await harness.time.sleep(for: .milliseconds(300))
                }
            }
            #expect(harness.provider.highestCount(in: .seconds(1)) <= 50)
            #expect(harness.provider.receipts.count > 50)
        }
    }

    @Test func `a window of an hour holds over restarts, too`() async throws {
        let harness = harness()
        try await harness.simulation.run {
            let channel = try await harness.makeChannel(limits: [RateLimit(count: 5, perSeconds: 3600)])
            for round in 1...3 {
                let fresh = PipelineHarness(restarting: harness)
                try await fresh.directory.load()
                try await fresh.withNode(worker: "worker-\(round)") { node in
                    _ = try await accepted(fresh, channel, node, count: 10, prefix: "round \(round)")
                    try await harness.time.sleep(for: .seconds(1000))
                }
            }
            #expect(harness.provider.highestCount(in: .seconds(3600)) <= 5)
            #expect(!harness.provider.receipts.isEmpty)
        }
    }

    @Test func `a storm of 429s costs no attempts`() async throws {
        let throttledUntil = MonotonicInstant(nanoseconds: 20_000_000_000)
        let simulation = Simulation()
        let provider = FakeProvider(
            time: simulation.time,
            sending: { receipt in
                receipt.receivedAt < throttledUntil
                    ? SendAnswer(.throttled(retryAfter: .seconds(2), detail: "slow down"), httpStatus: 429)
                    : SendAnswer(.accepted(submissionID: "1", messageID: "w-\(receipt.message.id)"), httpStatus: 200)
            })
        let harness = PipelineHarness(simulation: simulation, provider: provider)
        try await simulation.run {
            let channel = try await harness.makeChannel(limits: [RateLimit(count: 50, perSeconds: 1)])
            try await harness.withNode { node in
                _ = try await accepted(harness, channel, node, count: 100)
                try await harness.time.sleep(for: .seconds(5))
                let bounced = harness.store.allMessages.filter { $0.job?.condition == .providerRateLimit }
                #expect(!bounced.isEmpty)
                try await harness.waitUntilNothingIsQueued()
                #expect(harness.store.allMessages.allSatisfy { $0.status == .sent && $0.attempts == 1 })
                // Ten pauses of two seconds: a handful of requests each, not a hammering.
                let during = provider.receipts.filter { $0.receivedAt < throttledUntil }
                #expect(during.count < 100, "\(during.count) requests while throttled")
            }
        }
    }

    @Test func `a high priority goes before twenty thousand low ones, and a neighbour waits for nobody`() async throws {
        let harness = harness()
        try await harness.simulation.run {
            let channel = try await harness.makeChannel(limits: [RateLimit(count: 50, perSeconds: 1)])
            let neighbour = try await harness.makeChannel("other", limits: [RateLimit(count: 50, perSeconds: 1)])
            try await harness.withNode { node in
                _ = try await accepted(harness, channel, node, count: 20_000, priority: "low")
                try await harness.time.sleep(for: .seconds(2))
                let before = harness.provider.receipts.count
                let high = try #require(try await accepted(harness, channel, node, count: 1, priority: "high").first)
                let other = try #require(try await accepted(harness, neighbour, node, count: 1).first)
                try await harness.time.sleep(for: .milliseconds(100))
                let after = harness.provider.receipts.dropFirst(before)
                #expect(after.first { $0.channel == channel.id }?.message.id == high)
                #expect(after.contains { $0.message.id == other })
            }
        }
    }

    @Test func `a session that is down holds its messages, costs no attempts, and lets them go when it is up`()
        async throws
    {
        let simulation = Simulation()
        let isDown = Atomic(true)
        let provider = FakeProvider(
            time: simulation.time,
            sending: { receipt in
                isDown.load(ordering: .relaxed)
                    ? SendAnswer(.sessionDown(detail: "session is not connected"), httpStatus: 409)
                    : SendAnswer(.accepted(submissionID: "1", messageID: "w-\(receipt.message.id)"), httpStatus: 200)
            })
        provider.setSession(.down(detail: "disconnected"))
        let harness = PipelineHarness(simulation: simulation, provider: provider)
        try await simulation.run {
            let channel = try await harness.makeChannel()
            try await harness.withNode { node in
                let ids = try await accepted(harness, channel, node, count: 200)
                try await harness.time.sleep(for: .seconds(60))
                // What was in flight when it went down, and no more.
                #expect(provider.receipts.count <= 50, "\(provider.receipts.count) requests at a session that is down")
                let current = try #require(harness.directory.channel(channel.id))
                #expect(current.status == .disconnected)
                for id in ids {
                    let message = try #require(try await harness.store.message(id, tenant: nil))
                    #expect(message.attempts == 0)
                    #expect(
                        message.condition(channel: current, now: harness.time.now())?.condition == .sessionDisconnected)
                }
                isDown.store(false, ordering: .relaxed)
                provider.setSession(.up)
                try await harness.waitUntilNothingIsQueued(upTo: .seconds(120))
                #expect(harness.store.allMessages.allSatisfy { $0.status == .sent && $0.attempts == 1 })
            }
        }
    }

    @Test func `an outage opens the breaker and takes few attempts`() async throws {
        let simulation = Simulation()
        let up = MonotonicInstant(nanoseconds: 300_000_000_000)
        let provider = FakeProvider(
            time: simulation.time,
            sending: { receipt in
                receipt.receivedAt < up
                    ? SendAnswer(.transient(detail: "bad gateway", retryAfter: nil), httpStatus: 502)
                    : SendAnswer(.accepted(submissionID: "1", messageID: "w-\(receipt.message.id)"), httpStatus: 200)
            })
        let harness = PipelineHarness(simulation: simulation, provider: provider)
        try await simulation.run {
            let channel = try await harness.makeChannel()
            try await harness.withNode { node in
                _ = try await accepted(harness, channel, node, count: 1000)
                try await harness.time.sleep(for: .seconds(30))
                #expect(harness.directory.channel(channel.id)?.status == .unavailable)
                try await harness.waitUntilNothingIsQueued()
                let during = provider.receipts.filter { $0.receivedAt < up }
                // What was in flight when the breaker opened, and the probes after 5, 10, 20, 40, 60 … s.
                #expect(during.count <= 50 + 8, "\(during.count) requests during the outage")
                let failed = harness.store.allMessages.filter { $0.status == .failed }
                #expect(failed.isEmpty)
                #expect(harness.directory.channel(channel.id)?.status == .active)
            }
        }
    }

    @Test func `an answer that is lost is looked up and settled without a second send`() async throws {
        let harness = harness(
            sending: { _ in SendAnswer(.unknown(detail: "reset")) },
            lookingUp: { question in .found(submissionID: "77", messageID: "w77", level: .device, detail: nil) })
        try await harness.simulation.run {
            let channel = try await harness.makeChannel()
            try await harness.withNode { node in
                _ = try await accepted(harness, channel, node, count: 1)
                try await harness.wait(upTo: .seconds(10)) { harness.store.allMessages.first?.status == .delivered }
                let message = try #require(harness.store.allMessages.first)
                #expect(message.messageID == "w77")
                #expect(message.submissionID == "77")
                #expect(!message.duplicateRisk)
            }
        }
        #expect(harness.provider.receipts.count == 1)
    }

    @Test(arguments: UnknownPolicy.allCases)
    func `an answer that is lost and cannot be looked up follows the message's policy`(policy: UnknownPolicy)
        async throws
    {
        let harness = harness(sending: { receipt in
            receipt.occurrence == 1
                ? SendAnswer(.unknown(detail: "reset"))
                : SendAnswer(.accepted(submissionID: "2", messageID: "w2"), httpStatus: 200)
        })
        try await harness.simulation.run {
            let channel = try await harness.makeChannel()
            try await harness.withNode { node in
                let draft = try harness.draft(channel: channel) { $0["on_unknown"] = .string(policy.rawValue) }
                _ = try await node.acceptance.accept(draft, tenant: channel.tenantID)
                try await harness.waitUntilNothingIsQueued(upTo: .seconds(60))
                let message = try #require(harness.store.allMessages.first)
                switch policy {
                case .retry:
                    #expect(message.status == .sent)
                    #expect(message.duplicateRisk)
                    #expect(harness.provider.receipts.count == 2)
                case .hold:
                    #expect(message.status == .failed)
                    #expect(message.errorReason?.hasPrefix("outcome_unknown") == true)
                    #expect(message.deadLetteredAt != nil)
                    #expect(harness.provider.receipts.count == 1)
                }
            }
        }
    }

    @Test func `an echo of the text settles a send whose answer was lost`() async throws {
        let harness = harness(sending: { _ in SendAnswer(.unknown(detail: "reset")) })
        try await harness.simulation.run {
            let channel = try await harness.makeChannel()
            try await harness.withNode { node in
                _ = try await accepted(harness, channel, node, count: 1)
                try await harness.time.sleep(for: .seconds(2))
                _ = await harness.webhook(
                    channel, ["id": "3EB0", "level": 2, "recipient": "+14155550123", "text": "text 0"], to: node)
                try await harness.waitUntilNothingIsQueued(upTo: .seconds(30))
                let message = try #require(harness.store.allMessages.first)
                #expect(message.status == .sent)
                #expect(message.messageID == "3EB0")
            }
        }
        #expect(harness.provider.receipts.count == 1)
    }

    @Test func `a worker killed while sending leaves an unknown outcome, not a second send in silence`() async throws {
        let simulation = Simulation()
        let provider = FakeProvider(
            time: simulation.time,
            sending: { receipt in
                if receipt.occurrence == 1 { try? await simulation.time.sleep(for: .seconds(3600)) }
                return SendAnswer(.accepted(submissionID: "2", messageID: "w2"), httpStatus: 200)
            })
        let harness = PipelineHarness(simulation: simulation, provider: provider)
        try await simulation.run {
            let channel = try await harness.makeChannel()
            let killed = PipelineHarness(restarting: harness, settling: false)
            try await killed.directory.load()
            try await killed.withNode { node in
                _ = try await accepted(killed, channel, node, count: 1)
                try await harness.wait { harness.provider.receipts.count == 1 }
            }
            harness.store.interpose(nil)
            let restarted = PipelineHarness(restarting: harness)
            try await restarted.directory.load()
            try await restarted.withNode(worker: "worker-2") { _ in
                try await harness.wait(upTo: .seconds(5)) {
                    harness.store.allMessages.first?.job?.state == .unknown
                }
                try await harness.waitUntilNothingIsQueued(upTo: .seconds(60))
            }
            let message = try #require(harness.store.allMessages.first)
            #expect(message.status == .sent)
            #expect(message.duplicateRisk)
            #expect(message.attempts == 2)
        }
    }

    @Test func `a message to come is sent at its time, and one that is too late is not`() async throws {
        let harness = harness()
        try await harness.simulation.run {
            let channel = try await harness.makeChannel()
            try await harness.withNode { node in
                let start = harness.time.now()
                let later = try harness.draft("later", channel: channel) {
                    $0["send_at"] = .string((start + .seconds(90)).description)
                }
                _ = try await node.acceptance.accept(later, tenant: channel.tenantID)
                try await harness.directory.setStatus(channel.id, .paused, reason: nil)
                let short = try harness.draft("short", channel: channel) { $0["expires_in"] = 10 }
                _ = try await node.acceptance.accept(short, tenant: channel.tenantID)
                try await harness.wait(upTo: .seconds(15)) {
                    harness.store.allMessages.contains { $0.status == .failed }
                }
                let expired = try #require(harness.store.allMessages.first { $0.status == .failed })
                #expect(expired.errorReason == "expired")
                #expect(expired.deadLetteredAt == nil)
                try await harness.directory.setStatus(channel.id, .active, reason: nil)
                try await harness.waitUntilNothingIsQueued(upTo: .seconds(120))
                let receipt = try #require(harness.provider.receipts.first)
                #expect(harness.provider.receipts.count == 1)
                #expect(receipt.wallTime >= start + .seconds(90))
                #expect(receipt.wallTime < start + .seconds(92))
            }
        }
    }

    @Test func `a clock set forward or back neither passes a limit nor stops a channel`() async throws {
        let harness = harness()
        try await harness.simulation.run {
            let channel = try await harness.makeChannel(limits: [RateLimit(count: 50, perSeconds: 1)])
            try await harness.withNode { node in
                _ = try await accepted(harness, channel, node, count: 300)
                try await harness.time.sleep(for: .seconds(2))
                harness.time.jumpWallClock(by: .seconds(3600))
                try await harness.time.sleep(for: .seconds(2))
                harness.time.jumpWallClock(by: .seconds(-7200))
                _ = try await accepted(harness, channel, node, count: 10)
                try await harness.waitUntilNothingIsQueued(upTo: .seconds(30))
                #expect(harness.provider.highestCount(in: .seconds(1)) <= 50)
                #expect(harness.provider.receipts.count == 310)
            }
        }
    }

    @Test func `messages to one recipient keep their distance`() async throws {
        let harness = harness()
        try await harness.simulation.run {
            let channel = try await harness.makeChannel(recipientInterval: .seconds(6))
            try await harness.withNode { node in
                _ = try await accepted(harness, channel, node, count: 5)
                try await harness.waitUntilNothingIsQueued(upTo: .seconds(60))
                let times = harness.provider.receipts.map(\.receivedAt)
                for (first, second) in zip(times, times.dropFirst()) { #expect(second - first >= .seconds(6)) }
            }
        }
    }

    @Test func `a store that is away stops sending, and everything goes on when it is back`() async throws {
        let harness = harness()
        try await harness.simulation.run {
            let channel = try await harness.makeChannel(limits: [RateLimit(count: 50, perSeconds: 1)])
            try await harness.withNode { node in
                _ = try await accepted(harness, channel, node, count: 200)
                try await harness.time.sleep(for: .seconds(1))
                harness.store.interpose { _ throws(StoreError) in throw StoreError(.unavailable, "away") }
                try await harness.time.sleep(for: .milliseconds(200))
                let before = harness.provider.receipts.count
                try await harness.time.sleep(for: .seconds(10))
                #expect(harness.provider.receipts.count == before)
                #expect(!harness.health.isReady)
                harness.store.interpose(nil)
                try await harness.waitUntilNothingIsQueued(upTo: .seconds(60))
                #expect(harness.provider.receipts.count == 200)
                #expect(harness.store.allMessages.allSatisfy { $0.status == .sent && !$0.duplicateRisk })
            }
        }
    }

    @Test func `acknowledgements in any order, repeated or early, end in the right status`() async throws {
        let random = SeededRandomSource(seed: 5)
        for _ in 0..<20 {
            let harness = harness(
                traits: FakeProvider.plainTraits,
                sending: { receipt in
                    SendAnswer(
                        .accepted(submissionID: "1", messageID: "w-\(receipt.message.recipient)"), httpStatus: 200)
                })
            let levels = [2, 3, 4, 3, 2].sorted { _, _ in random.next() % 2 == 0 }
            let early = Int(random.next() % 5)
            try await harness.simulation.run {
                let channel = try await harness.makeChannel()
                try await harness.withNode { node in
                    for level in levels.prefix(early) {
                        _ = await harness.webhook(
                            channel, ["id": "w-+14155550123", "level": .integer(Int64(level))], to: node)
                    }
                    try await harness.time.sleep(for: .seconds(1))
                    _ = try await accepted(harness, channel, node, count: 1)
                    try await harness.waitUntilNothingIsQueued()
                    for level in levels.dropFirst(early) {
                        _ = await harness.webhook(
                            channel, ["id": "w-+14155550123", "level": .integer(Int64(level))], to: node)
                    }
                    try await harness.wait(upTo: .seconds(5)) { harness.store.allMessages.first?.status == .read }
                }
            }
        }
    }

    @Test func `with all webhooks lost, statuses arrive by look-up`() async throws {
        let traits = ProviderTraits(
            defaultBaseURL: "", defaultLimits: [], concurrency: 5, needsIdentityLookUp: true,
            canLookUpAcknowledgement: true, hasSessions: true)
        let harness = harness(
            traits: traits,
            sending: { _ in SendAnswer(.accepted(submissionID: "5", messageID: nil), httpStatus: 200) },
            lookingUp: { question in
                question.tries == 0 && question.purpose == .identity
                    ? .notFound
                    : .found(
                        submissionID: nil, messageID: "w5", level: question.purpose == .identity ? .server : .device,
                        detail: nil)
            })
        try await harness.simulation.run {
            let channel = try await harness.makeChannel()
            try await harness.withNode { node in
                _ = try await accepted(harness, channel, node, count: 1)
                try await harness.wait(upTo: .seconds(60)) { harness.store.allMessages.first?.status == .delivered }
                #expect(harness.provider.questions(.identity) == 2)
                #expect(harness.provider.questions(.acknowledgement) == 1)
            }
        }
    }

    private static let askingTraits = ProviderTraits(
        defaultBaseURL: "", defaultLimits: [], concurrency: 5, needsIdentityLookUp: true,
        canLookUpAcknowledgement: false, hasSessions: true)

    @Test func `look-ups keep up with a channel that sends fast`() async throws {
        let time = Mutex<VirtualTime?>(nil)
        let harness = harness(
            traits: Self.askingTraits,
            sending: { SendAnswer(.accepted(submissionID: "s-\($0.message.id)", messageID: nil), httpStatus: 200) },
            lookingUp: { question in
                try? await time.withLock { $0 }?.sleep(for: .milliseconds(50))
                return .found(
                    submissionID: nil, messageID: "w-\(question.message.id)", level: .device, detail: nil)
            })
        time.withLock { $0 = harness.time }
        try await harness.simulation.run {
            let channel = try await harness.makeChannel(limits: [RateLimit(count: 10_000, perSeconds: 1)])
            try await harness.withNode { node in
                _ = try await accepted(harness, channel, node, count: 1000)
                try await harness.waitUntilNothingIsQueued()
                try await harness.wait(upTo: .seconds(4)) {
                    harness.store.allMessages.allSatisfy { $0.status == .delivered }
                }
            }
        }
    }

    @Test func `a provider that is slow to tell about one channel keeps no other waiting`() async throws {
        let slow = Mutex<(time: VirtualTime, channel: ChannelID)?>(nil)
        let harness = harness(
            traits: Self.askingTraits,
            sending: { SendAnswer(.accepted(submissionID: "s-\($0.message.id)", messageID: nil), httpStatus: 200) },
            lookingUp: { question in
                if let (time, channel) = slow.withLock({ $0 }), channel == question.message.channelID {
                    try? await time.sleep(for: .seconds(9))
                }
                return .found(
                    submissionID: nil, messageID: "w-\(question.message.id)", level: .device, detail: nil)
            })
        try await harness.simulation.run {
            let first = try await harness.makeChannel("slow")
            let second = try await harness.makeChannel("quick")
            slow.withLock { $0 = (harness.time, first.id) }
            try await harness.withNode { node in
                _ = try await accepted(harness, first, node, count: 1)
                try await harness.wait(upTo: .seconds(5)) { harness.provider.questions(.identity) == 1 }
                _ = try await accepted(harness, second, node, count: 5)
                try await harness.wait(upTo: .seconds(4)) {
                    harness.store.allMessages.filter { $0.channelID == second.id }
                        .allSatisfy { $0.status == .delivered }
                }
                #expect(harness.store.allMessages.first { $0.channelID == first.id }?.status == .sent)
            }
        }
    }

    @Test func `a webhook with a wrong secret leaves nothing behind`() async throws {
        let harness = harness()
        try await harness.simulation.run {
            let channel = try await harness.makeChannel()
            try await harness.withNode { node in
                let answer = await node.ingress.receive(
                    channel: channel.id.text, token: channel.webhookToken, headers: ["x-webhook-signature": "other"],
                    body: Array(#"{"id":"x","level":3}"#.utf8))
                #expect(answer == .unauthentic)
                let wrongPath = await node.ingress.receive(
                    channel: channel.id.text, token: "guess", headers: ["x-webhook-signature": "s3cret"], body: [])
                #expect(wrongPath == .unknownAddress)
                let depth = try await harness.store.depth()
                #expect(depth.waiting == 0)
            }
        }
    }

    @Test func `a webhook that cannot be read is set aside with its reason`() async throws {
        let harness = harness()
        try await harness.simulation.run {
            let channel = try await harness.makeChannel()
            try await harness.withNode { node in
                let answer = await harness.webhook(channel, ["what": "is this"], to: node)
                #expect(answer == .stored)
                try await harness.wait(upTo: .seconds(5)) { !harness.store.setAsideEntries.isEmpty }
                #expect(harness.store.setAsideEntries.first?.reason == "it has no id and level")
            }
        }
    }

    @Test func `fifty identical requests with one key are one message`() async throws {
        let harness = harness()
        try await harness.simulation.run {
            let channel = try await harness.makeChannel()
            try await harness.withNode { node in
                let draft = try harness.draft(channel: channel) { $0["idempotency_key"] = "k1" }
                let ids = try await withThrowingTaskGroup(of: MessageID?.self) { group in
                    for _ in 0..<50 {
                        group.addTask { try await node.acceptance.accept(draft, tenant: channel.tenantID).message?.id }
                    }
                    return try await group.reduce(into: Set<MessageID?>()) { $0.insert($1) }
                }
                #expect(ids.count == 1)
                let other = try harness.draft("other words", channel: channel) { $0["idempotency_key"] = "k1" }
                guard case .conflict = try await node.acceptance.accept(other, tenant: channel.tenantID) else {
                    Issue.record("other content was taken")
                    return
                }
                try await harness.waitUntilNothingIsQueued()
                #expect(harness.provider.receipts.count == 1)
            }
        }
    }
}
