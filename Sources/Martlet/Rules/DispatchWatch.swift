/// Notices that messages are due and nothing moves: the mistake that a queue hides best.
///
/// It is shown, every now and then, the channels that have something due. One that may send and yet makes no progress
/// between two looks is idle; idle for longer than its patience, it has stalled. Time is measured between looks, by the clock
/// that never jumps: how long a message has been due by the wall clock does not matter, so that a clock set forward alarms
/// nobody.
package struct DispatchWatch: Sendable {
    /// A channel that has something due.
    package struct Lane: Sendable {
        package var channel: ChannelID
        /// Whether it may send now: active, and not waiting for a rate limit.
        package var isFree: Bool
        /// Claims and settled attempts so far. That it changed is all that counts.
        package var progress: UInt64
        /// Requests under way. Their answers may take as long as the provider's time-out.
        package var inFlight: Int

        package init(channel: ChannelID, isFree: Bool, progress: UInt64, inFlight: Int) {
            self.channel = channel
            self.isFree = isFree
            self.progress = progress
            self.inFlight = inFlight
        }
    }

    /// What stands still.
    package struct Stall: Sendable, Equatable {
        /// How many channels.
        package var channels: Int
        /// The one that has been idle the longest, and for how long.
        package var channel: ChannelID
        package var longest: Duration

        package init(channels: Int, channel: ChannelID, longest: Duration) {
            self.channels = channels
            self.channel = channel
            self.longest = longest
        }
    }

    private struct Idle: Sendable {
        var since: MonotonicInstant
        var progress: UInt64
    }

    /// How long a channel with nothing under way may be idle.
    package static let patience: Duration = .seconds(30)
    /// After a longer time without a look nothing is known of what happened meanwhile: the process was stopped, or the store
    /// was away.
    private static let gapMax: Duration = .seconds(15)

    private let requestMax: Duration
    private var idle: [ChannelID: Idle] = [:]
    private var lookedAt: MonotonicInstant?

    /// - parameter requestMax: how long a request to a provider may take.
    package init(requestMax: Duration) { self.requestMax = requestMax }

    /// Looks at the channels that have something due. Answers what has stalled; nil when nothing has.
    package mutating func look(at due: [Lane], now: MonotonicInstant) -> Stall? {
        if let lookedAt, now - lookedAt > Self.gapMax { idle = [:] }
        lookedAt = now
        var stillIdle: [ChannelID: Idle] = [:]
        var stall: Stall?
        for lane in due where lane.isFree {
            var entry = Idle(since: now, progress: lane.progress)
            if let known = idle[lane.channel], known.progress == lane.progress { entry.since = known.since }
            stillIdle[lane.channel] = entry
            let idleFor = now - entry.since
            guard idleFor >= Self.patience + (lane.inFlight > 0 ? requestMax : .zero) else { continue }
            let isLongest = stall.map { idleFor > $0.longest } ?? true
            stall = Stall(
                channels: (stall?.channels ?? 0) + 1,
                channel: isLongest ? lane.channel : stall?.channel ?? lane.channel,
                longest: max(idleFor, stall?.longest ?? .zero))
        }
        idle = stillIdle
        return stall
    }
}
