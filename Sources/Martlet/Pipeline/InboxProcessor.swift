import Logging
import ServiceLifecycle
import Synchronization

/// Reads webhooks from the inbox and applies what they say. Doing it twice changes nothing, so a crash in between is harmless.
package final class InboxProcessor: Sendable {
    private static let batchMax = 500
    /// From the beginning of one batch to the next, so that webhooks that trickle in share their transactions.
    private static let batchInterval: Duration = .milliseconds(25)

    private let inbox: any Inbox
    private let store: any ReconciliationStore
    private let sightings: WebhookSightings
    /// Channels whose first webhook is on record.
    private let sighted = Mutex<Set<ChannelID>>([])
    private let directory: Directory
    private let configuration: PipelineConfiguration
    private let time: any TimeSource
    private let observer: PipelineObserver
    private let heartbeats: Heartbeats
    private let loop: Heartbeats.Loop
    private let idleMax: Duration
    private let sessionChanged: @Sendable (Channel, Bool, String) async -> Void
    private let signal = WakeSignal()

    /// - Parameters:
    ///   - loop: what it is called among the worker's loops.
    ///   - idleMax: from a look at an empty inbox to the next, unless something is known to have come.
    ///   - sessionChanged: called when a webhook tells that a channel's session is up or down.
    package init(
        inbox: any Inbox, store: any ReconciliationStore & Maintenance, directory: Directory,
        configuration: PipelineConfiguration,
        time: any TimeSource, observer: PipelineObserver, heartbeats: Heartbeats,
        loop: Heartbeats.Loop = .inbox, idleMax: Duration = .seconds(1),
        sessionChanged: @escaping @Sendable (Channel, Bool, String) async -> Void
    ) {
        self.inbox = inbox
        self.store = store
        sightings = WebhookSightings(store: store)
        self.directory = directory
        self.configuration = configuration
        self.time = time
        self.observer = observer
        self.heartbeats = heartbeats
        self.loop = loop
        self.idleMax = idleMax
        self.sessionChanged = sessionChanged
    }

    /// Something was appended.
    package func processSoon() { signal.signal() }

    package func run() async {
        await withGracefulShutdownHandler {
            while !Task.isShuttingDownGracefully, !Task.isCancelled {
                heartbeats.beat(loop)
                let start = time.monotonicNow()
                do throws(StoreError) {
                    if try await processBatch() { continue }
                } catch {
                    observer.failed(error, doing: "process webhooks")
                    try? await time.sleep(for: .milliseconds(500))
                    continue
                }
                await signal.wait(atMost: idleMax, time: time)
                let early = start + Self.batchInterval - time.monotonicNow()
                if early > .zero { try? await time.sleep(for: early) }
            }
        } onGracefulShutdown: {
            self.signal.signal()
        }
    }

    private struct Reading {
        var acknowledgements: [Acknowledgement] = []
        var sessions: [(channel: Channel, isUp: Bool, detail: String)] = []
        var done: [Int64] = []
        var setAside: [(sequence: Int64, reason: String)] = []
        var processedByProvider: [String: Int] = [:]
    }

    /// Processes the oldest entries. Answers whether there may be more.
    package func processBatch() async throws(StoreError) -> Bool {
        let now = time.now()
        let entries = try await inbox.lease(
            limit: Self.batchMax, now: now, until: now + configuration.leaseDuration)
        guard !entries.isEmpty else { return false }
        let reading = read(entries)
        let changed = try await store.apply(reading.acknowledgements, now: time.now())
        observer.changed(changed)
        for session in reading.sessions { await sessionChanged(session.channel, session.isUp, session.detail) }
        if !reading.setAside.isEmpty { try await inbox.setAside(reading.setAside, now: time.now()) }
        try await inbox.complete(reading.done)
        if let first = entries.first {
            for (provider, count) in reading.processedByProvider {
                observer.webhooksProcessed(provider: provider, count: count, lag: time.now() - first.entry.receivedAt)
            }
        }
        await noteSightings(entries)
        return entries.count == Self.batchMax
    }

    /// A channel's first webhook is put on record. When the store does not take it now, the next webhook will do.
    private func noteSightings(_ entries: [LeasedInboxEntry]) async {
        let present = Set(entries.map(\.entry.channel)).filter { directory.channel($0) != nil }
        for channel in present.subtracting(sighted.withLock { $0 }).sorted() {
            do throws(StoreError) { try await sightings.note(channel, at: time.now()) } catch { return }
            sighted.withLock { _ = $0.insert(channel) }
        }
    }

    private func read(_ entries: [LeasedInboxEntry]) -> Reading {
        var reading = Reading()
        for leased in entries {
            guard let channel = directory.channel(leased.entry.channel),
                let provider = directory.providers[channel.provider]
            else {
                reading.setAside.append((leased.sequence, "its channel is gone"))
                continue
            }
            do throws(WebhookError) {
                let events = try provider.events(
                    webhook: leased.entry.body, receivedAt: leased.entry.receivedAt, channel: channel)
                for event in events {
                    switch event {
                    case .acknowledgement(let acknowledgement): reading.acknowledgements.append(acknowledgement)
                    case .session(let isUp, let detail): reading.sessions.append((channel, isUp, detail))
                    case .ignored: break
                    }
                }
                reading.done.append(leased.sequence)
                reading.processedByProvider[provider.name, default: 0] += 1
            } catch {
                reading.setAside.append((leased.sequence, error.reason))
                observer.webhookSetAside(provider: provider.name, reason: error.reason)
            }
        }
        return reading
    }
}
