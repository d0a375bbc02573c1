import Martlet
import MartletTestSupport
import Testing

@Suite struct EchoQuestionTests {
    private let now = Timestamp(seconds: 1_790_000_000)
    private let ids = IdentifierGenerator()

    private func message(_ text: String = "Hello", _ adjust: (inout Message) -> Void = { _ in }) -> Message {
        var message = Message(
            id: ids.next(), tenantID: TenantID(unchecked: "ten_1"), channelID: ChannelID(unchecked: "chn_1"),
            recipient: PhoneNumber(unchecked: "+14155550123"), payload: .text(text), createdAt: now)
        message.job = JobSnapshot(state: .unknown, dueAt: now, condition: nil, since: now)
        adjust(&message)
        return message
    }

    private func question(about message: Message) throws -> EchoQuestion {
        var job = Job(dueAt: now, token: 1, since: now)
        job.state = .unknown
        job.attemptStartedAt = now
        return try #require(EchoQuestion(about: message, job: job))
    }

    /// What one echo answers when there is that other message without an id.
    private func answer(beside other: Message) throws -> String? {
        let asked = message()
        return try question(about: asked).answer(echoes: ["m-1"], unbound: [asked, other])
    }

    @Test func `one echo answers, none and two do not`() throws {
        let asked = message()
        let question = try question(about: asked)
        #expect(question.answer(echoes: ["m-1"], unbound: [asked]) == "m-1")
        #expect(question.answer(echoes: [], unbound: [asked]) == nil)
        #expect(question.answer(echoes: ["m-1", "m-2"], unbound: [asked]) == nil)
    }

    @Test func `there is nothing to ask about a message that says nothing or was never tried`() {
        #expect(EchoQuestion(about: message(), job: Job(dueAt: now, token: 0, since: now)) == nil)
        var job = Job(dueAt: now, token: 1, since: now)
        job.attemptStartedAt = now
        let sticker = message { $0.payload = Payload(kind: .sticker, content: ["url": "https://example.com/a.webp"]) }
        #expect(EchoQuestion(about: sticker, job: job) == nil)
    }

    @Test func `another that may have said the same makes the echo nobody's`() throws {
        #expect(try answer(beside: message()) == nil)
        #expect(try answer(beside: message("Good-bye")) == "m-1")
        // Its words are gone: they may have been these.
        #expect(try answer(beside: message { $0.payload.content = JSONObject() }) == nil)
    }

    @Test func `another that cannot have been sent does not count`() throws {
        let waiting = JobSnapshot(state: .waiting, dueAt: now, condition: nil, since: now)
        #expect(try answer(beside: message { $0.job = waiting }) == "m-1")
        #expect(
            try answer(
                beside: message {
                    $0.job = waiting
                    $0.duplicateRisk = true
                }) == nil)
        func failed(attempts: Int) -> Message {
            message {
                $0.job = nil
                $0.status = .failed
                $0.attempts = attempts
            }
        }
        #expect(try answer(beside: failed(attempts: 0)) == "m-1")
        #expect(try answer(beside: failed(attempts: 1)) == nil)
    }

    @Test func `among too many messages no echo is trusted`() throws {
        let asked = message()
        let question = try question(about: asked)
        let others = (0..<EchoQuestion.unboundLimit - 2).map { message("Hello \($0)") }
        #expect(question.answer(echoes: ["m-1"], unbound: [asked] + others) == "m-1")
        #expect(question.answer(echoes: ["m-1"], unbound: [asked] + others + [message("one more")]) == nil)
    }
}
