import Logging
import ServiceLifecycle
import Synchronization

/// How many messages each channel sent in the last minute: in a ring of 60 one-second counts, or, where several processes
/// send, in the store.
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

    private struct State: Sendable {
        var rings: [ChannelID: Ring] = [:]
        /// Sent here, and not yet told to the store.
        var unreported: [ChannelID: Int] = [:]
    }

    private let state = Mutex(State())
    private let time: any TimeSource
    fileprivate let store: (any SendRateStore)?

    /// - parameter store: where all processes add what they send; ``SendRateReporter`` adds what this one does.
    package init(time: any TimeSource, store: (any SendRateStore)? = nil) {
        self.time = time
        self.store = store
    }

    private var second: Int64 { time.monotonicNow().nanoseconds / 1_000_000_000 }

    package func sent(_ channel: ChannelID, count: Int = 1) {
        let second = second
        state.withLock { state in
            if store != nil {
                state.unreported[channel, default: 0] += count
            } else {
                state.rings[channel, default: Ring()].advance(to: second)
                state.rings[channel]?.counts[Int(second % 60)] += count
            }
        }
    }

    /// What these channels sent in the last minute; one that sent nothing may be left out.
    package func lastMinute(of channels: [ChannelID]) async throws(StoreError) -> [ChannelID: Int] {
        guard let store else {
            let second = second
            return state.withLock { state in
                var sums: [ChannelID: Int] = [:]
                for channel in channels {
                    state.rings[channel]?.advance(to: second)
                    sums[channel] = state.rings[channel]?.counts.reduce(0, +)
                }
                return sums
            }
        }
        let stored = try await store.sends(of: channels, after: time.now() - .seconds(60))
        let unreported = state.withLock(\.unreported)
        return stored.merging(unreported.filter { channels.contains($0.key) }, uniquingKeysWith: +)
    }

    /// Adds to the store what was sent since the last time. When that fails, it is added the next time.
    fileprivate func report() async throws(StoreError) {
        guard let store else { return }
        let counts = state.withLock { state in
            defer { state.unreported = [:] }
            return state.unreported
        }
        guard !counts.isEmpty else { return }
        do throws(StoreError) {
            try await store.addSends(counts, at: time.now())
        } catch {
            state.withLock { $0.unreported.merge(counts, uniquingKeysWith: +) }
            throw error
        }
    }
}

/// Tells the store every few seconds what this process has sent.
package struct SendRateReporter: Service, CustomStringConvertible {
    package static let interval: Duration = .seconds(2)

    private let rates: SendRates
    private let time: any TimeSource
    private let logger: Logger

    // Services are written into the log, and what one holds has no place there.
    package var description: String { "SendRateReporter" }

    package init(_ rates: SendRates, time: any TimeSource, logger: Logger) {
        self.rates = rates
        self.time = time
        self.logger = logger
    }

    package func run() async throws {
        try? await cancelWhenGracefulShutdown { await report() }
        try? await rates.report()
    }

    /// Tells until the task is cancelled.
    package func report() async {
        var isFailing = false
        while (try? await time.sleep(for: Self.interval)) != nil {
            do throws(StoreError) {
                try await rates.report()
                isFailing = false
            } catch {
                logger.log(
                    level: isFailing ? .debug : .warning, "what was sent could not be added to the rates",
                    metadata: ["error": "\(error)"])
                isFailing = true
            }
        }
    }
}
