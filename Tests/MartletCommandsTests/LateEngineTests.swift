import Martlet
import MartletTestSupport
import Synchronization
import Testing

@testable import MartletCommands

@Suite struct LateEngineTests {
    /// A broker that says how it was used.
    private final class FakeBroker: JobBroker {
        let delayMax = Duration.seconds(7)
        let waitAdvised = Duration.seconds(3)
        let calls = Recorder<String>()

        func publish(_ notices: [JobNotice], now: Timestamp) async throws(StoreError) { calls.append("publish") }
        func receive(limit: Int, wait: Duration) async throws(StoreError) -> [DeliveredJob] { [] }
        func acknowledge(_ deliveries: [DeliveredJob]) async throws(StoreError) {}
        func publishDeadLetters(_ letters: [DeadLetterNotice]) async throws(StoreError) {}
        func check() async throws(StoreError) { calls.append("check") }
        func close() async { calls.append("close") }
    }

    /// A server with one broker, which may be away.
    private final class Server: Sendable {
        let broker = FakeBroker()
        let opened = Recorder<Bool>()
        private let failure = Mutex<StoreError?>(nil)

        init(failing error: StoreError? = nil) { fail(error) }

        func fail(_ error: StoreError?) { failure.withLock { $0 = error } }

        func opening(warnings: [String] = []) -> EngineOpening<any JobBroker> {
            EngineOpening(warnings: { () async throws(StoreError) in warnings }) { () async throws(StoreError) in
                let failure = self.failure.withLock { $0 }
                self.opened.append(failure == nil)
                if let failure { throw failure }
                return self.broker
            }
        }
    }

    private static let away = StoreError(.unavailable, "it is away")

    @Test func `one that is away is opened as soon as it can be, once`() async throws {
        let server = Server(failing: Self.away)
        let late = try await LateEngine(server.opening())
        let failure = await #expect(throws: StoreError.self) { try await late.check() }
        #expect(failure?.code == .unavailable)
        #expect(late.delayMax == .zero)
        #expect(late.waitAdvised == .seconds(1))
        server.fail(nil)
        try await late.publish([], now: SystemTimeSource().now())
        try await late.check()
        #expect(server.opened.all == [false, false, true])
        #expect(server.broker.calls.all == ["publish", "check"])
        #expect(late.delayMax == .seconds(7))
        #expect(late.waitAdvised == .seconds(3))
    }

    @Test func `one that can be reached and is of no use is refused at once`() async throws {
        let server = Server(failing: StoreError(.unusable, "it is too old"))
        let refusal = await #expect(throws: StoreError.self) { _ = try await LateEngine(server.opening()) }
        #expect(refusal?.code == .unusable)
    }

    @Test func `closing ends what is open, and nothing is opened after that`() async throws {
        let server = Server()
        let late = try await LateEngine(server.opening())
        await late.close()
        await late.close()
        #expect(server.broker.calls.all == ["close"])
        let refusal = await #expect(throws: StoreError.self) { try await late.check() }
        #expect(refusal?.code == .unavailable)
        #expect(server.opened.all == [true])
    }

    @Test func `an examination closes what it opened, and warns of what can be used`() async throws {
        let server = Server()
        let sound = await server.opening(warnings: ["beware"]).examine(as: .queue)
        #expect(sound.part == .queue)
        #expect(sound.failure == nil)
        #expect(sound.warnings == ["beware"])
        #expect(server.broker.calls.all == ["check", "close"])
        server.fail(Self.away)
        let absent = await server.opening(warnings: ["beware"]).examine(as: .queue)
        #expect(absent.failure?.message == "it is away")
        #expect(absent.warnings.isEmpty)
    }
}
