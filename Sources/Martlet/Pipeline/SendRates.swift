import Synchronization

/// How many messages each channel sent in the last minute, in memory: a ring of 60 one-second counts.
package final class SendRates: Sendable {
    private struct Ring: Sendable {
        var counts = [Int](repeating: 0, count: 60)
        var lastSecond: Int64 = 0

        mutating func advance(to second: Int64) {
            guard second > lastSecond else { return }
            for step in 1...min(60, second - lastSecond) { counts[Int((lastSecond + step) % 60)] = 0 }
            lastSecond = second
        }
    }

    private let rings = Mutex<[ChannelID: Ring]>([:])
    private let time: any TimeSource

    package init(time: any TimeSource) { self.time = time }

    private var second: Int64 { time.monotonicNow().nanoseconds / 1_000_000_000 }

    package func sent(_ channel: ChannelID, count: Int = 1) {
        let second = second
        rings.withLock { rings in
            rings[channel, default: Ring()].advance(to: second)
            rings[channel]?.counts[Int(second % 60)] += count
        }
    }

    package func lastMinute(_ channel: ChannelID) -> Int {
        let second = second
        return rings.withLock { rings in
            rings[channel]?.advance(to: second)
            return rings[channel]?.counts.reduce(0, +) ?? 0
        }
    }

    package func forget(_ channel: ChannelID) { rings.withLock { _ = $0.removeValue(forKey: channel) } }
}
