import Logging
import ServiceLifecycle
import Synchronization

/// Watches channels that hold because their session is down or their credentials are refused, and puts them back into
/// service when the provider says they work again.
package final class SessionMonitor: Sendable {
    /// The first question after a session went down, and how far the waits grow.
    package static let firstProbe: Duration = .seconds(3)
    package static let probeIntervalMax: Duration = .seconds(30)
    /// Credentials that are refused are asked about seldom.
    package static let unauthorizedInterval: Duration = .seconds(60)

    private struct Watch: Sendable {
        var nextAt: MonotonicInstant
        var interval: Duration
    }

    private let directory: Directory
    private let throttle: any Throttle
    private let configuration: PipelineConfiguration
    private let time: any TimeSource
    private let observer: PipelineObserver
    private let heartbeats: Heartbeats
    private let watches = Mutex<[ChannelID: Watch]>([:])
    private let signal = WakeSignal()

    package init(
        directory: Directory, throttle: any Throttle, configuration: PipelineConfiguration, time: any TimeSource,
        observer: PipelineObserver, heartbeats: Heartbeats
    ) {
        self.directory = directory
        self.throttle = throttle
        self.configuration = configuration
        self.time = time
        self.observer = observer
        self.heartbeats = heartbeats
        directory.observe { [weak self] change in
            if case .channel(let channel) = change, channel.status == .disconnected || channel.status == .unauthorized {
                self?.signal.signal()
            }
        }
    }

    package func run() async {
        await withGracefulShutdownHandler {
            while !Task.isShuttingDownGracefully, !Task.isCancelled {
                heartbeats.beat(.sessions)
                let due = dueChannels()
                await withDiscardingTaskGroup { group in
                    for channel in due.prefix(32) { group.addTask { await self.probe(channel) } }
                }
                await signal.wait(atMost: due.isEmpty ? untilNext() : .zero, time: time)
            }
        } onGracefulShutdown: {
            self.signal.signal()
        }
    }

    /// A webhook told that a session is up or down.
    package func sessionChanged(_ channel: Channel, isUp: Bool, detail: String) async {
        if isUp {
            await resume(channel, from: [.disconnected])
        } else {
            do throws(StoreError) {
                if try await directory.setStatus(
                    channel.id, .disconnected, reason: detail, from: [.active, .unavailable])
                {
                    observer.channelHeld(channel, status: .disconnected, reason: detail)
                }
            } catch {
                observer.storeFailed(error, doing: "store a channel's status")
            }
        }
    }

    private func dueChannels() -> [Channel] {
        let now = time.monotonicNow()
        let held = directory.channelsWithoutSession().sorted().compactMap(directory.channel)
        return watches.withLock { watches in
            let ids = Set(held.map(\.id))
            watches = watches.filter { ids.contains($0.key) }
            return held.filter { channel in
                if let watch = watches[channel.id] { return watch.nextAt <= now }
                let interval = channel.status == .unauthorized ? Self.unauthorizedInterval : Self.firstProbe
                watches[channel.id] = Watch(nextAt: now + interval, interval: interval)
                return false
            }
        }
    }

    private func untilNext() -> Duration {
        let now = time.monotonicNow()
        let next = watches.withLock { $0.values.map(\.nextAt).min() }
        return next.map { min(.seconds(5), max(.milliseconds(10), $0 - now)) } ?? .seconds(5)
    }

    private func probe(_ channel: Channel) async {
        guard let provider = directory.providers[channel.provider] else { return }
        let answer = await provider.session(of: channel, timeout: min(.seconds(10), configuration.providerTimeout))
        let now = time.monotonicNow()
        watches.withLock { watches in
            guard let watch = watches[channel.id] else { return }
            let longer =
                channel.status == .unauthorized
                ? Self.unauthorizedInterval : min(watch.interval * 1.5, Self.probeIntervalMax)
            watches[channel.id] = Watch(nextAt: now + longer, interval: longer)
        }
        if case .up = answer { await resume(channel, from: [.disconnected, .unauthorized]) }
    }

    private func resume(_ channel: Channel, from: Set<ChannelStatus>) async {
        await throttle.ramp(.channel(channel.id))
        do throws(StoreError) {
            if try await directory.setStatus(channel.id, .active, reason: nil, from: from) {
                observer.channelResumed(channel)
            }
        } catch {
            observer.storeFailed(error, doing: "store a channel's status")
        }
    }
}
