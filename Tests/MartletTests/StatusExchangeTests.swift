import EngineConformance
import Logging
import Martlet
import MartletTestSupport
import Synchronization
import Testing

@testable import Martlet

@Suite(.timeLimit(.minutes(1))) struct StatusExchangeTests {
    /// Hands every text to every receiver, unless it is told to lose them.
    private final class Line: PeerBroadcast {
        private struct State: Sendable {
            var receivers: [any PeerReceiver] = []
            var texts: [String] = []
            var isAway = false
        }

        private let state = Mutex(State())
        var texts: [String] { state.withLock(\.texts) }
        func setAway(_ isAway: Bool) { state.withLock { $0.isAway = isAway } }

        func deliver(to receiver: any PeerReceiver) { state.withLock { $0.receivers.append(receiver) } }

        func broadcast(_ texts: [String]) async throws(StoreError) {
            let receivers = state.withLock { state in
                state.texts += texts
                return state.isAway ? nil : state.receivers
            }
            guard let receivers else { throw StoreError(.unavailable, "away") }
            for text in texts { for receiver in receivers { receiver.received(text) } }
        }
    }

    /// Processes on one store, and one message of a tenant.
    private struct Processes: Sendable {
        let simulation = Simulation()
        let line = Line()
        let store: MemoryStore
        let message: Message
        let feeds: [StatusFeed]
        let exchanges: [StatusExchange]

        init(_ count: Int) async throws {
            let store = MemoryStore()
            let fixture = try await StoreFixture(store)
            let message = fixture.message()
            _ = try await fixture.accept(message)
            let (line, time) = (line, simulation.time)
            let feeds = (0..<count).map { _ in StatusFeed() }
            exchanges = feeds.enumerated().map { number, feed in
                StatusExchange(
                    feed, store: store, peers: line, process: "process-\(number)", time: time,
                    logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
            }
            self.feeds = feeds
            self.store = store
            self.message = message
        }

        /// Runs the exchanges and the body, in virtual time.
        func run(_ body: @escaping @Sendable () async throws -> Void) async throws {
            try await simulation.run {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for exchange in exchanges { group.addTask { await exchange.exchange() } }
                    try await body()
                    group.cancelAll()
                }
            }
        }

        func pass(_ duration: Duration) async throws { try await simulation.time.sleep(for: duration) }

        /// Who listens at one process hears what is published at another.
        func hear(_ changes: AsyncStream<Message>) async -> MessageID? {
            for await message in changes { return message.id }
            return nil
        }
    }

    @Test func `a listener hears of what another process changed, and of nothing twice`() async throws {
        let processes = try await Processes(3)
        try await processes.run {
            try await processes.pass(.seconds(1))
            let changes = processes.feeds[0].changes(tenant: processes.message.tenantID)
            let others = processes.feeds[0].changes(tenant: TenantID(unchecked: "ten_00000000000000000000000000"))
            try await processes.pass(.milliseconds(100))
            for feed in processes.feeds { feed.publish([processes.message]) }
            try await processes.pass(.seconds(1))
            processes.feeds[0].finish()
            var heard: [MessageID] = []
            for await message in changes { heard.append(message.id) }
            // One that was published here, and one each of the others, which may be told as one.
            #expect(heard.count == 2 || heard.count == 3)
            #expect(Set(heard) == [processes.message.id])
            for await message in others { Issue.record("another tenant's message: \(message.id)") }
        }
    }

    @Test func `while nobody listens, nothing is said but the question who does`() async throws {
        let processes = try await Processes(2)
        try await processes.run {
            for _ in 0..<100 {
                for feed in processes.feeds { feed.publish([processes.message]) }
                try await processes.pass(.seconds(1))
            }
        }
        #expect(processes.line.texts.sorted() == ["asking process-0", "asking process-1"])
    }

    @Test func `a process that starts later is told who listens`() async throws {
        let processes = try await Processes(2)
        let line = processes.line
        try await processes.run {
            let changes = processes.feeds[0].changes(tenant: processes.message.tenantID)
            try await processes.pass(.seconds(60))
            let late = StatusFeed()
            let exchange = StatusExchange(
                late, store: processes.store, peers: line, process: "late", time: processes.simulation.time,
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await exchange.exchange() }
                exchange.connected()
                try await processes.pass(.milliseconds(100))
                late.publish([processes.message])
                #expect(await processes.hear(changes) == processes.message.id)
                group.cancelAll()
            }
        }
    }

    @Test func `who has stopped listening costs nothing after a while`() async throws {
        let processes = try await Processes(2)
        try await processes.run {
            try await processes.pass(.seconds(1))
            await withTaskGroup(of: Void.self) { group in
                let changes = processes.feeds[0].changes(tenant: processes.message.tenantID)
                group.addTask { for await _ in changes {} }
                try? await processes.pass(.seconds(1))
                group.cancelAll()
            }
            #expect(processes.feeds[0].listenerCount == 0)
            try await processes.pass(StatusExchange.validity + StatusExchange.interval)
            let said = processes.line.texts.count
            processes.feeds[1].publish([processes.message])
            try await processes.pass(.seconds(10))
            #expect(processes.line.texts.count == said)
        }
    }

    @Test func `after the line was away, listeners hear again`() async throws {
        let processes = try await Processes(2)
        try await processes.run {
            processes.line.setAway(true)
            let changes = processes.feeds[0].changes(tenant: processes.message.tenantID)
            try await processes.pass(.seconds(30))
            processes.line.setAway(false)
            try await processes.pass(.seconds(3))
            processes.feeds[1].publish([processes.message])
            #expect(await processes.hear(changes) == processes.message.id)
        }
    }

    @Test(arguments: [
        PeerNotice.Content.asking, .listening([]),
        .listening([TenantID(unchecked: "ten_01jd0000000000000000000000")]),
        .changed(
            TenantID(unchecked: "ten_01jd0000000000000000000000"),
            (100..<300).map { MessageID(unchecked: "msg_01jd0000000000000000000\($0)") }),
    ])
    func `a notice is read as it was written, and is short`(_ content: PeerNotice.Content) {
        let notice = PeerNotice(process: "prc_01jd0000000000000000000000", content: content)
        #expect(PeerNotice(text: notice.text) == notice)
        #expect(notice.text.utf8.count <= 7000)
    }

    @Test(arguments: [
        "", "asking", "asking a b", "changed a", "changed a ten_01jd0000000000000000000000", "changed a b c",
        "listening a ten_x", "changed a ten_01jd0000000000000000000000 msg_', DROP", "something a",
    ])
    func `what is no notice is not taken for one`(_ text: String) { #expect(PeerNotice(text: text) == nil) }
}
