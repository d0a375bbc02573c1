import Martlet
import Testing

/// When messages that are due and do not move are told, and when not.
@Suite struct DispatchWatchTests {
    private let first = ChannelID(unchecked: "chn_1")
    private let second = ChannelID(unchecked: "chn_2")

    private func second(_ seconds: Int) -> MonotonicInstant { MonotonicInstant(nanoseconds: 0) + .seconds(seconds) }

    private func lane(
        _ channel: ChannelID, isFree: Bool = true, progress: UInt64 = 7, inFlight: Int = 0
    ) -> DispatchWatch.Lane {
        DispatchWatch.Lane(channel: channel, isFree: isFree, progress: progress, inFlight: inFlight)
    }

    /// Looks every two seconds and answers the second of the first alarm.
    private func firstAlarm(
        until end: Int, requestMax: Duration = .seconds(10), _ due: (Int) -> [DispatchWatch.Lane]
    ) -> (second: Int, stall: DispatchWatch.Stall)? {
        var watch = DispatchWatch(requestMax: requestMax)
        for now in stride(from: 0, through: end, by: 2) {
            if let stall = watch.look(at: due(now), now: second(now)) { return (now, stall) }
        }
        return nil
    }

    @Test func `a channel that may send and does not is told after thirty seconds`() throws {
        let alarm = try #require(firstAlarm(until: 60) { _ in [lane(first)] })
        #expect(alarm.second == 30)
        #expect(alarm.stall == DispatchWatch.Stall(channels: 1, channel: first, longest: .seconds(30)))
    }

    @Test func `a channel that waits for its limit, or is held, alarms nobody`() {
        #expect(firstAlarm(until: 600) { _ in [lane(first, isFree: false)] } == nil)
    }

    @Test func `whoever makes progress alarms nobody, however slowly`() {
        #expect(firstAlarm(until: 600) { now in [lane(first, progress: UInt64(now / 28))] } == nil)
    }

    @Test func `one channel that stands still is told though others move`() throws {
        let alarm = try #require(firstAlarm(until: 60) { now in [lane(first, progress: UInt64(now)), lane(second)] })
        #expect(alarm.stall.channel == second)
        #expect(alarm.stall.channels == 1)
    }

    @Test func `requests under way get the provider's time-out on top`() throws {
        let alarm = try #require(firstAlarm(until: 90) { _ in [lane(first, inFlight: 5)] })
        #expect(alarm.second == 40)
    }

    @Test func `the longest is named, and all are counted`() throws {
        let alarm = try #require(
            firstAlarm(until: 60) { now in now < 4 ? [lane(second)] : [lane(first), lane(second)] })
        #expect(alarm.stall.channel == second)
        var watch = DispatchWatch(requestMax: .zero)
        var last: DispatchWatch.Stall?
        for now in stride(from: 0, through: 60, by: 2) {
            last = watch.look(at: now < 4 ? [lane(second)] : [lane(first), lane(second)], now: second(now))
        }
        #expect(last == DispatchWatch.Stall(channels: 2, channel: second, longest: .seconds(60)))
    }

    @Test func `a process that was stopped begins to watch anew`() {
        var watch = DispatchWatch(requestMax: .zero)
        for now in stride(from: 0, through: 28, by: 2) {
            #expect(watch.look(at: [lane(first)], now: second(now)) == nil)
        }
        #expect(watch.look(at: [lane(first)], now: second(600)) == nil)
        #expect(watch.look(at: [lane(first)], now: second(602)) == nil)
    }
}
