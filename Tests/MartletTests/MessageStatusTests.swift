import Martlet
import Testing

@Suite struct MessageStatusTests {
    /// All 25 pairs; what is not named here must not happen.
    private static let allowed: Set<[MessageStatus]> = [
        [.queued, .sent], [.queued, .delivered], [.queued, .read], [.queued, .failed],
        [.sent, .delivered], [.sent, .read], [.sent, .failed],
        [.delivered, .read], [.delivered, .failed],
    ]

    @Test(arguments: MessageStatus.allCases, MessageStatus.allCases)
    func `only moves forward`(_ from: MessageStatus, _ to: MessageStatus) {
        #expect(from.mayBecome(to) == Self.allowed.contains([from, to]))
    }

    @Test func `five values, three of them final`() {
        #expect(MessageStatus.allCases.map(\.rawValue) == ["queued", "sent", "delivered", "read", "failed"])
        #expect(MessageStatus.allCases.filter(\.isFinal) == [.delivered, .read, .failed])
    }

    @Test func `acknowledgements stand for statuses`() {
        let statuses = [0, 1, 2, 3, 4].map { AcknowledgementLevel(rawValue: $0)?.status }
        #expect(statuses == [.failed, .sent, .sent, .delivered, .read])
        #expect(AcknowledgementLevel(rawValue: 5) == nil)
    }

    @Test func `any order of acknowledgements ends at the furthest`() {
        let random = SeededRandomSource(seed: 5)
        for _ in 0..<200 {
            var levels: [AcknowledgementLevel] = [.pending, .server, .device, .read]
            for index in levels.indices.reversed() { levels.swapAt(index, Int(random.next() % UInt64(index + 1))) }
            var status = MessageStatus.queued
            for level in levels + levels where status.mayBecome(level.status) { status = level.status }
            #expect(status == .read)
        }
    }

    @Test func `priorities have names and an order`() {
        #expect(Priority.allCases.map(\.name) == ["high", "normal", "low"])
        #expect(Priority.allCases.allSatisfy { Priority(name: $0.name) == $0 })
        #expect(Priority(name: "urgent") == nil)
        #expect(Priority.allCases.map(\.rawValue) == [0, 1, 2])
    }
}

/// What a message is said to wait for.
@Suite struct ConditionTests {
    private static let now = Timestamp(seconds: 1_767_323_045)
    private static let created = now - .seconds(100)
    private static let since = now - .seconds(50)

    private static func message(_ change: (inout Message) -> Void) -> Message {
        var message = Message(
            id: MessageID(unchecked: "msg_1"), tenantID: TenantID(unchecked: "ten_1"),
            channelID: ChannelID(unchecked: "chn_1"),
            recipient: PhoneNumber(unchecked: "+12025550123"), payload: .text("Hello"), createdAt: created)
        change(&message)
        return message
    }

    private static func channel(_ status: ChannelStatus = .active, deadline: Duration? = nil) -> Channel {
        Channel(
            id: ChannelID(unchecked: "chn_1"), tenantID: TenantID(unchecked: "ten_1"), name: "billing",
            provider: "wasender",
            credentials: Secret([:]), webhookToken: "t", acknowledgementDeadline: deadline, status: status,
            statusSince: now - .seconds(20), createdAt: created)
    }

    private static func job(_ state: JobSnapshot.State, due: Timestamp = now, _ condition: Condition? = nil)
        -> JobSnapshot
    {
        JobSnapshot(state: state, dueAt: due, condition: condition, since: since)
    }

    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var message: Message
        var channel: Channel? = ConditionTests.channel()
        var expected: Condition?
        var since: Timestamp?
    }

    static let cases: [Case] = [
        Case(testDescription: "due and active: nothing", message: message { $0.job = job(.waiting) }, expected: nil),
        Case(testDescription: "no job: nothing", message: message { _ in }, expected: nil),
        Case(testDescription: "claimed", message: message { $0.job = job(.claimed) }, expected: .sending, since: since),
        Case(
            testDescription: "claimed while the channel goes down is still being sent",
            message: message { $0.job = job(.claimed) }, channel: channel(.disconnected), expected: .sending,
            since: since),
        Case(testDescription: "unknown", message: message { $0.job = job(.unknown) }, expected: .unknown, since: since),
        Case(
            testDescription: "scheduled",
            message: message {
                $0.job = job(.waiting, due: now + .seconds(60))
                $0.sendAt = now + .seconds(60)
            }, expected: .scheduled, since: created),
        Case(
            testDescription: "scheduled, whatever the channel does meanwhile",
            message: message {
                $0.job = job(.waiting, due: now + .seconds(60))
                $0.sendAt = now + .seconds(60)
            }, channel: channel(.paused), expected: .scheduled, since: created),
        Case(
            testDescription: "its time has come",
            message: message {
                $0.job = job(.waiting)
                $0.sendAt = now
            }, expected: nil),
        Case(
            testDescription: "paused", message: message { $0.job = job(.waiting) }, channel: channel(.paused),
            expected: .channelPaused, since: now - .seconds(20)),
        Case(
            testDescription: "disconnected", message: message { $0.job = job(.waiting) },
            channel: channel(.disconnected),
            expected: .sessionDisconnected, since: now - .seconds(20)),
        Case(
            testDescription: "unauthorized", message: message { $0.job = job(.waiting) },
            channel: channel(.unauthorized),
            expected: .channelUnauthorized, since: now - .seconds(20)),
        Case(
            testDescription: "unavailable", message: message { $0.job = job(.waiting) }, channel: channel(.unavailable),
            expected: .providerUnavailable, since: now - .seconds(20)),
        Case(
            testDescription: "held since it is there, where the channel was down before",
            message: message {
                $0.job = job(.waiting)
                $0.createdAt = now - .seconds(5)
            }, channel: channel(.paused), expected: .channelPaused, since: now - .seconds(5)),
        Case(
            testDescription: "a retry to come",
            message: message {
                $0.job = job(.waiting, due: now + .seconds(5), .retrying)
                $0.attempts = 1
            }, expected: .retrying, since: since),
        Case(
            testDescription: "a retry that is due and waits for its turn",
            message: message {
                $0.job = job(.waiting, due: now - .seconds(1), .retrying)
                $0.attempts = 1
            }, expected: .retrying, since: since),
        Case(
            testDescription: "the provider's rate limit",
            message: message { $0.job = job(.waiting, .providerRateLimit) },
            expected: .providerRateLimit, since: since),
        Case(
            testDescription: "the recipient's pace",
            message: message { $0.job = job(.waiting, due: now + .seconds(1), .recipientPace) },
            expected: .recipientPace,
            since: since),
        Case(
            testDescription: "the channel is gone", message: message { $0.job = job(.waiting) }, channel: nil,
            expected: nil),
        Case(
            testDescription: "sent a moment ago",
            message: message {
                $0.status = .sent
                $0.sentAt = now - .seconds(299)
            }, expected: nil),
        Case(
            testDescription: "sent and silent for the default deadline",
            message: message {
                $0.status = .sent
                $0.sentAt = now - .seconds(300)
            }, expected: .unconfirmed, since: now),
        Case(
            testDescription: "sent and silent for the channel's own deadline",
            message: message {
                $0.status = .sent
                $0.sentAt = now - .seconds(15)
            }, channel: channel(deadline: .seconds(10)), expected: .unconfirmed, since: now - .seconds(5)),
        Case(
            testDescription: "sent and acknowledged",
            message: message {
                $0.status = .sent
                $0.sentAt = now - .seconds(4000)
                $0.acknowledgedAt = now - .seconds(3999)
            }, expected: nil),
        Case(
            testDescription: "delivered",
            message: message {
                $0.status = .delivered
                $0.sentAt = created
            }, channel: channel(.paused), expected: nil),
        Case(
            testDescription: "failed", message: message { $0.status = .failed }, channel: channel(.paused),
            expected: nil),
    ]

    @Test(arguments: cases) func `follows from the job and the channel`(_ expected: Case) {
        let found = expected.message.condition(channel: expected.channel, now: Self.now)
        #expect(found?.condition == expected.expected)
        #expect(found?.since == expected.since)
    }

    @Test func `the texts are the contract's`() {
        #expect(
            Condition.allCases.map(\.rawValue) == [
                "scheduled", "sending", "retrying", "held: session disconnected", "held: channel paused",
                "held: provider rate limit", "held: provider unavailable", "held: channel unauthorized",
                "held: recipient pace",
                "unknown", "unconfirmed",
            ])
    }
}
