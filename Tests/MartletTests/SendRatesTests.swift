import Logging
import Martlet
import MartletTestSupport
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(1))) struct SendRatesTests {
    private static let channel = ChannelID(unchecked: "chn_01jd0000000000000000000000")
    private static let other = ChannelID(unchecked: "chn_01jd0000000000000000000001")

    /// Counts by the moment at which they were added.
    private final class Counts: SendRateStore {
        private struct State: Sendable {
            var added: [(at: Timestamp, counts: [ChannelID: Int])] = []
            var isAway = false
        }

        private let state = Mutex(State())
        func setAway(_ isAway: Bool) { state.withLock { $0.isAway = isAway } }

        func addSends(_ counts: [ChannelID: Int], at now: Timestamp) async throws(StoreError) {
            let isAway = state.withLock { state in
                if !state.isAway { state.added.append((now, counts)) }
                return state.isAway
            }
            if isAway { throw StoreError(.unavailable, "away") }
        }

        func sends(of channels: [ChannelID], after: Timestamp) async throws(StoreError) -> [ChannelID: Int] {
            state.withLock { state in
                var sums: [ChannelID: Int] = [:]
                for entry in state.added where entry.at > after {
                    sums.merge(entry.counts.filter { channels.contains($0.key) }, uniquingKeysWith: +)
                }
                return sums
            }
        }
    }

    @Test func `a process alone tells of its own last minute`() async throws {
        let time = VirtualTime()
        let rates = SendRates(time: time)
        rates.sent(Self.channel, count: 3)
        #expect(try await rates.lastMinute(of: [Self.channel, Self.other])[Self.channel] == 3)
        #expect(try await rates.lastMinute(of: [Self.other])[Self.other] ?? 0 == 0)
        #expect(try await rates.lastMinute(of: [Self.other])[Self.channel] == nil)
    }

    @Test func `all processes tell of what all have sent, once each, also after the store was away`() async throws {
        let simulation = Simulation()
        let store = Counts()
        try await simulation.run {
            let time = simulation.time
            let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            let workers = [SendRates(time: time, store: store), SendRates(time: time, store: store)]
            let front = SendRates(time: time, store: store)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for worker in workers {
                    group.addTask { await SendRateReporter(worker, time: time, logger: logger).report() }
                }
                store.setAway(true)
                workers[0].sent(Self.channel, count: 2)
                workers[1].sent(Self.channel, count: 5)
                workers[1].sent(Self.other)
                try await time.sleep(for: .seconds(7))
                // What a process has sent itself it knows while the store does not.
                #expect(try await workers[0].lastMinute(of: [Self.channel]) == [Self.channel: 2])
                store.setAway(false)
                try await time.sleep(for: SendRateReporter.interval)
                for rates in workers + [front] {
                    #expect(try await rates.lastMinute(of: [Self.channel]) == [Self.channel: 7])
                }
                try await time.sleep(for: .seconds(61))
                #expect(try await front.lastMinute(of: [Self.channel, Self.other]).isEmpty)
                group.cancelAll()
            }
        }
    }
}
