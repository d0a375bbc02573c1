import Martlet
import Testing

@Suite struct FollowedMessagesTests {
    private typealias News = FollowedMessages.News
    private static let at = Timestamp(seconds: 1_767_323_045)

    private func message(_ status: MessageStatus, _ number: Int = 1, isHeardOf: Bool = true) -> Message {
        var message = Message(
            id: MessageID(unchecked: "msg_\(number)"), tenantID: TenantID(unchecked: "ten_1"),
            channelID: ChannelID(unchecked: "chn_1"), recipient: PhoneNumber(unchecked: "+14155550123"),
            payload: .text("hello"), createdAt: Self.at)
        message.status = status
        message.acknowledgedAt = isHeardOf ? Self.at : nil
        return message
    }

    private func followed(_ count: Int = 1, generationMax: Int = 10) -> FollowedMessages {
        let followed = FollowedMessages(generationMax: generationMax)
        for number in 0..<count { followed.sent(message(.sent, number).id) }
        return followed
    }

    @Test func `news that come one by one are new once`() {
        let followed = followed(2)
        #expect(followed.changed(message(.sent, isHeardOf: false)) == News())
        #expect(followed.changed(message(.sent)) == News(isFirstSign: true))
        #expect(followed.changed(message(.delivered)) == News())
        #expect(followed.changed(message(.read)) == News())
        #expect(followed.changed(message(.read)) == News())
    }

    @Test func `news that come at once bring what was passed over`() {
        let followed = followed(2)
        #expect(followed.changed(message(.read)) == News(isFirstSign: true, skipsDelivered: true))
        #expect(followed.changed(message(.read)) == News())
    }

    @Test func `a message that failed or waits again is followed no more`() {
        for status in [MessageStatus.failed, .queued] {
            let followed = followed(2)
            #expect(followed.changed(message(status, isHeardOf: false)) == News())
            #expect(followed.changed(message(.read)) == News())
        }
    }

    @Test func `what is never heard of is forgotten, the oldest first`() {
        let followed = followed(25)
        #expect((0..<10).allSatisfy { followed.changed(message(.sent, $0)) == News() })
        #expect((10..<25).allSatisfy { followed.changed(message(.sent, $0)).isFirstSign })
    }
}
