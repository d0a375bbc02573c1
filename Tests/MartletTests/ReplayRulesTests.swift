import Martlet
import MartletTestSupport
import Testing

/// What a bulk replay decides on each dead letter, and its pace.
@Suite struct ReplayRulesTests {
    private static let now = Timestamp(seconds: 1_790_000_000)
    private static let channel = Channel(
        id: ChannelID(unchecked: "chn_1"), tenantID: TenantID(unchecked: "ten_1"), name: "main", provider: "fake",
        credentials: Secret(JSONObject()), webhookToken: "", statusSince: now, createdAt: now)

    private func letter(
        to number: String = "+441155550123", _ payload: Payload = .text("Hello"), expiresIn seconds: Int? = nil
    ) -> Message {
        var message = Message(
            id: MessageID(unchecked: "msg_1"), tenantID: Self.channel.tenantID, channelID: Self.channel.id,
            recipient: PhoneNumber(unchecked: number), payload: payload, createdAt: Self.now)
        message.status = .failed
        message.deadLetteredAt = Self.now
        message.expiresAt = seconds.map { Self.now + .seconds($0) }
        return message
    }

    private func decision(
        on letter: Message, _ correction: BulkCorrection = BulkCorrection(), includeExpired: Bool = false,
        channel: Channel? = Self.channel, provider: (any Provider)? = nil
    ) -> ReplayStep.Decision {
        ReplayJob(
            id: ReplayID(unchecked: "rpl_1"), tenantID: letter.tenantID, filter: DeadLetterFilter(),
            includeExpired: includeExpired, correction: correction, matched: 1, createdAt: Self.now
        ).decision(on: letter, channel: channel, provider: provider, now: Self.now)
    }

    private func prefix(_ wrong: String, _ right: String) -> BulkCorrection {
        BulkCorrection(numberPrefix: .init(wrong: wrong, right: right))
    }

    @Test(
        arguments: [
            ("+4411", "+44", "+441155550123", "+4455550123"), ("+", "+1", "+5551234567", "+15551234567"),
            ("+999", "+", "+9994155550123", "+4155550123"), ("+4411", "+44", "+14155550123", nil),
        ] as [(String, String, String, String?)])
    func `the beginning of a number is put right where it is wrong`(
        _ wrong: String, _ right: String, _ number: String, _ corrected: String?
    ) {
        #expect(
            decision(on: letter(to: number), prefix(wrong, right))
                == .replay(Correction(recipient: corrected.map(PhoneNumber.init(unchecked:)))))
    }

    @Test(arguments: [
        ("+44115555012", "+", "+441155550123"), ("+4411", "+441111111", "+441155550123456"), ("+44", "+", "+440155550"),
    ])
    func `a number that comes out wrong fails that message alone`(_ wrong: String, _ right: String, _ number: String) {
        #expect(
            decision(on: letter(to: number), prefix(wrong, right)) == .fail("the corrected number is not in E.164"))
    }

    @Test func `members of the payload are laid over each message's own`() {
        let image = Payload(kind: .image, content: ["url": "https://e/a.png", "caption": "old"])
        func corrected(_ members: JSONObject) -> ReplayStep.Decision {
            decision(on: letter(image), BulkCorrection(payload: members))
        }
        #expect(
            corrected(["url": "https://e/b.png"])
                == .replay(
                    Correction(
                        payload: Payload(kind: .image, content: ["url": "https://e/b.png", "caption": "old"]))))
        #expect(
            corrected(["caption": nil])
                == .replay(Correction(payload: Payload(kind: .image, content: ["url": "https://e/a.png"]))))
        #expect(
            corrected(["body": "no image has one"])
                == .fail("the corrected payload is refused: /image/body is not a known field"))
        #expect(corrected(["url": nil]) == .fail("the corrected payload is refused: /image/url is required"))
    }

    @Test func `what is expired is skipped, or freed of its expiry`() {
        #expect(decision(on: letter(expiresIn: 0)) == .skip)
        #expect(decision(on: letter(expiresIn: 1)) == .replay(Correction()))
        #expect(decision(on: letter(expiresIn: 0), includeExpired: true) == .replay(Correction(expiresAt: .some(nil))))
        #expect(decision(on: letter(expiresIn: 1), includeExpired: true) == .replay(Correction()))
    }

    @Test func `without a channel or a content there is nothing to replay`() {
        #expect(decision(on: letter(), channel: nil) == .fail("its channel was deleted"))
        let redacted = letter(Payload(kind: .text, content: JSONObject()))
        #expect(decision(on: redacted) == .fail("its content was redacted"))
        #expect(
            decision(on: redacted, BulkCorrection(payload: ["body": "new"]))
                == .replay(Correction(payload: .text("new"))))
    }

    @Test(arguments: [0.1, 0.5, 1, 3, 7.5, 20, 50, 333, 1000])
    func `a pace holds its rate, in small portions`(_ rate: Double) {
        var now = MonotonicInstant(nanoseconds: 0)
        var pace = ReplayPace(perSecond: rate, now: now)
        var taken: [(at: MonotonicInstant, count: Int)] = []
        let seconds = 60.0
        let end = now + .seconds(seconds)
        while now < end {
            let count = pace.available(now: now)
            if count > 0 { taken.append((now, count)) }
            pace.take(count)
            now = now + max(pace.untilNextPortion, .nanoseconds(1))
        }
        let total = taken.reduce(0) { $0 + $1.count }
        // The last portion may come due at the very end.
        #expect(Double(total) >= rate * seconds - max(1, rate / 10) - 1)
        #expect(Double(total) <= rate * seconds + 2)
        #expect(taken.map(\.count).max() ?? 0 <= max(1, Int(rate / 10)))
        // In no ten seconds more than the rate and a portion.
        for (index, first) in taken.enumerated() {
            let within = taken[index...].prefix { $0.at - first.at < .seconds(10) }.reduce(0) { $0 + $1.count }
            #expect(Double(within) <= rate * 10 + max(1, rate / 10) + 1)
        }
    }

    @Test func `what could not be spent is not caught up with at once`() {
        var pace = ReplayPace(perSecond: 20, now: MonotonicInstant(nanoseconds: 0))
        #expect(pace.available(now: MonotonicInstant(nanoseconds: 60_000_000_000)) == 4)
    }
}
