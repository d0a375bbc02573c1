import MartletTestSupport
import Synchronization
import Testing

@testable import Martlet

/// A store of waiting jobs that says what was asked of it.
private final class JobShelf: OutboxStore {
    struct Job: Sendable {
        var channel: ChannelID
        var dueAt: Timestamp
    }

    private struct State: Sendable {
        var waiting: [MessageID: Job] = [:]
        var asked: [String] = []
        var isAway = false
    }

    private let state = Mutex(State())

    func add(_ notice: JobNotice) {
        state.withLock { $0.waiting[notice.message] = Job(channel: notice.channel, dueAt: notice.dueAt) }
    }
    func remove(_ message: MessageID) { state.withLock { $0.waiting[message] = nil } }
    func setAway(_ isAway: Bool) { state.withLock { $0.isAway = isAway } }
    /// What was asked since the last look.
    var asked: [String] {
        state.withLock { state in
            defer { state.asked = [] }
            return state.asked
        }
    }

    func nextDue() async throws(StoreError) -> [ChannelID: Timestamp] {
        state.withLock { state in
            Dictionary(state.waiting.values.map { ($0.channel, $0.dueAt) }, uniquingKeysWith: min)
        }
    }

    private func claim(
        _ requests: [ClaimRequest], named: String, now: Timestamp, _ isWanted: (MessageID, ChannelID) -> Bool
    ) throws(StoreError) -> [ClaimBatch] {
        let result: [ClaimBatch]? = state.withLock { state in
            state.asked.append(named)
            guard !state.isAway else { return nil }
            return requests.map { request in
                let due = state.waiting.filter { id, job in
                    job.channel == request.channel && job.dueAt <= now && isWanted(id, job.channel)
                }.keys.sorted().prefix(request.limit)
                for id in due { state.waiting[id] = nil }
                let next = state.waiting.values.filter { $0.channel == request.channel }.map(\.dueAt).min()
                return ClaimBatch(
                    channel: request.channel,
                    claims: due.map { id in
                        Claim(
                            message: Message(
                                id: id, tenantID: TenantID(unchecked: "ten_1"), channelID: request.channel,
                                recipient: PhoneNumber(unchecked: "+14155550123"), payload: .text("x"), createdAt: now),
                            token: 1)
                    }, expired: [], nextDueAt: named == "store" ? next : nil)
            }
        }
        guard let result else { throw StoreError(.unavailable, "away") }
        return result
    }

    func claim(_ requests: [ClaimRequest], worker: String, now: Timestamp, leaseUntil: Timestamp)
        async throws(StoreError) -> [ClaimBatch]
    {
        try claim(requests, named: "store", now: now) { _, _ in true }
    }

    func claim(
        _ requests: [ClaimRequest], among messages: [ChannelID: [MessageID]], worker: String, now: Timestamp,
        leaseUntil: Timestamp
    ) async throws(StoreError) -> [ClaimBatch] {
        for ids in messages.values { #expect(Set(ids).count == ids.count) }
        return try claim(requests, named: "among", now: now) { messages[$1]?.contains($0) == true }
    }

    func outbox(dueBefore: Timestamp, now: Timestamp, limit: Int) async throws(StoreError) -> [OutboxEntry] { [] }
    func removeFromOutbox(_ numbers: [Int64]) async throws(StoreError) {}
    func outboxDepth() async throws(StoreError) -> Int { 0 }
    func settle(_ batch: [Settlement], now: Timestamp) async throws(StoreError) -> [Message?] { [] }
    func renewLeases(worker: String, until: Timestamp) async throws(StoreError) {}
    func recoverLeases(now: Timestamp, worker: String, includingUnexpired: Bool, decideAt: Timestamp, limit: Int)
        async throws(StoreError) -> Int
    { 0 }
    func expire(now: Timestamp, limit: Int) async throws(StoreError) -> [Message] { [] }
    func claimHistory(channel: ChannelID, since: Timestamp, limit: Int) async throws(StoreError) -> [Timestamp] { [] }
}

/// A clock that stands until it is moved.
private final class HandClock: TimeSource {
    private let passed = Mutex<Duration>(.zero)
    static let start = Timestamp(seconds: 1_790_000_000)
    func pass(_ duration: Duration) { passed.withLock { $0 += duration } }
    func now() -> Timestamp { Self.start + passed.withLock { $0 } }
    func monotonicNow() -> MonotonicInstant { MonotonicInstant(nanoseconds: 0) + passed.withLock { $0 } }
    func sleep(for duration: Duration) async throws { await Task.yield() }
}

@Suite struct BrokeredQueueTests {
    private let store = JobShelf()
    private let clock = HandClock()
    private let queue: BrokeredQueue
    private let channel = ChannelID(unchecked: "chn_1")

    init() { queue = BrokeredQueue(store: store, time: clock) }

    private func notice(_ number: Int, _ priority: Priority = .normal, dueIn seconds: Int = 0) -> JobNotice {
        JobNotice(
            message: MessageID(unchecked: "msg_\(1000 + number)"), channel: channel, priority: priority,
            dueAt: clock.now() + .seconds(seconds))
    }

    private func deliver(_ notices: [JobNotice]) {
        _ = queue.deliver(notices.map { DeliveredJob(notice: $0, receipt: $0.message.text) })
    }

    private func claim(_ limit: Int = 10) async throws -> [String] {
        let batches = try await queue.claim(
            [ClaimRequest(channel: channel, limit: limit)], worker: "w", now: clock.now(), leaseUntil: clock.now())
        return batches.flatMap(\.claims).map { String($0.message.id.text.suffix(4)) }
    }

    private func ended() async -> Set<String> {
        Set(await queue.endedDeliveries(waiting: .zero).map { String($0.receipt.suffix(4)) })
    }

    @Test func `what was delivered is claimed in the store, high priority first, and then acknowledged`() async throws {
        let notices = [notice(1, .low), notice(2, .high), notice(3)]
        notices.forEach(store.add)
        deliver(notices)
        #expect(await ended().isEmpty)
        #expect(try await claim(1) == ["1002"])
        #expect(await ended() == ["1002"])
        #expect(Set(try await claim()) == ["1001", "1003"])
        #expect(store.asked == ["among", "among"])
        #expect(await ended() == ["1001", "1003"])
    }

    @Test func `nothing delivered asks nobody, and what is delivered twice or too late is dropped`() async throws {
        #expect(try await claim().isEmpty)
        #expect(store.asked.isEmpty)
        store.add(notice(1))
        deliver([notice(1), notice(1)])
        #expect(try await claim() == ["1001"])
        #expect(await ended() == ["1001"])
        deliver([notice(1)])
        #expect(try await claim().isEmpty)
        #expect(await ended() == ["1001"])
        #expect(queue.room == BrokeredQueue.heldMax)
    }

    @Test func `a store that does not answer loses no delivery`() async throws {
        store.add(notice(1))
        deliver([notice(1)])
        store.setAway(true)
        await #expect(throws: StoreError.self) { try await claim() }
        #expect(await ended().isEmpty)
        store.setAway(false)
        #expect(try await claim() == ["1001"])
    }

    @Test func `what the broker has lost is found in the store`() async throws {
        store.add(notice(1))
        #expect(try await queue.nextDue().isEmpty)
        #expect(try await claim().isEmpty)
        clock.pass(BrokeredQueue.deliveryMax)
        #expect(try await queue.nextDue()[channel] != nil)
        #expect(try await claim() == ["1001"])
        // Caught up: the broker is heard again.
        store.add(notice(2))
        deliver([notice(2)])
        _ = store.asked
        #expect(try await claim() == ["1002"])
        #expect(store.asked == ["among"])
    }

    @Test func `a channel whose deliveries pile up is served from the store`() async throws {
        let notices = (0..<BrokeredQueue.laneMax + 1).map { notice($0) }
        notices.forEach(store.add)
        deliver(notices)
        #expect(await ended().count == notices.count)
        #expect(queue.room == BrokeredQueue.heldMax)
        #expect(try await claim(5).count == 5)
        // What comes meanwhile is the store's, too.
        store.add(notice(900))
        deliver([notice(900)])
        #expect(await ended() == ["1900"])
        #expect(try await claim(1000).count == notices.count - 4)
        #expect(store.asked == ["store", "store"])
    }

    @Test func `a delivery that nobody may send yet is not kept for long`() async throws {
        store.add(notice(1))
        deliver([notice(1)])
        clock.pass(BrokeredQueue.keptMax + .seconds(1))
        _ = try await queue.nextDue()
        #expect(await ended() == ["1001"])
        #expect(try await claim() == ["1001"])
        #expect(store.asked == ["store"])
    }

    @Test func `while the broker is away everything is taken from the store`() async throws {
        store.add(notice(1))
        deliver([notice(1)])
        store.add(notice(2))
        queue.setBrokerAway(true)
        #expect(try await claim() == ["1001", "1002"])
        store.add(notice(3))
        #expect(try await queue.nextDue()[channel] != nil)
        #expect(try await claim() == ["1003"])
        queue.setBrokerAway(false)
        _ = try await queue.nextDue()
        store.add(notice(4))
        #expect(try await claim().isEmpty)
    }

    @Test func `a notice that is early is claimed when its job is due`() async throws {
        let early = notice(1, dueIn: 1)
        store.add(early)
        deliver([early])
        #expect(try await claim().isEmpty)
        #expect(try await queue.nextDue()[channel] == early.dueAt)
        clock.pass(.seconds(1))
        #expect(try await claim() == ["1001"])
        #expect(store.asked == ["among"])
    }

    @Test func `a great many of one channel are a few notices, and the rest is taken from the store`() async throws {
        let many = (0..<3000).map { notice($0, $0 == 2999 ? .high : .low) }
        let later = notice(5000, dueIn: 60)
        let more = OutboxRelay.gathered(many + [later], now: clock.now(), backlogged: [channel])
        #expect(more.count == 2)
        #expect(more.first?.priority == .high)
        #expect(more.first?.tellsOfBacklog == true)
        let notices = OutboxRelay.gathered(many + [later], now: clock.now(), backlogged: [])
        #expect(notices.count == 102)
        #expect(notices.contains(many[2999]))
        #expect(notices.contains(later))
        #expect(notices.count { $0.tellsOfBacklog } == 1)
        many.forEach(store.add)
        deliver(notices)
        #expect(try await claim(4000).count == 3000)
        #expect(store.asked == ["store"])
    }

    @Test func `notices read back what they were`() {
        let notice = JobNotice(
            message: IdentifierGenerator().next(), channel: IdentifierGenerator().next(), priority: .high,
            dueAt: HandClock.start)
        #expect(JobNotice(encoded: notice.encoded()) == notice)
        var backlog = notice
        backlog.tellsOfBacklog = true
        #expect(JobNotice(encoded: backlog.encoded()) == backlog)
        #expect(JobNotice(encoded: Array("{}".utf8)) == nil)
        #expect(JobNotice(encoded: Array("nonsense".utf8)) == nil)
        #expect(JobNotice(encoded: [UInt8](repeating: 91, count: 100_000)) == nil)
    }
}
