import Synchronization

/// An inbox that is a log of an engine of its own. What cannot be read goes to the store's inbox, which keeps it aside for
/// operators and takes it back. What the log throws is of ``SeparatePart/inbox``; the rest is the store's.
package final class SeparateInbox: Inbox {
    /// How long a look at the log may wait for something to come.
    private static let wait: Duration = .milliseconds(500)

    private let log: any InboxLog
    private let store: any Inbox
    private let observer: PipelineObserver
    /// What is leased now, for the case that it cannot be read.
    private let leased = Mutex<[Int64: InboxEntry]>([:])

    /// - parameter observer: is told when entries can be taken and completed; that they cannot is for whoever asked to tell.
    package init(log: any InboxLog, store: any Inbox, observer: PipelineObserver) {
        self.log = log
        self.store = store
        self.observer = observer
    }

    package func append(_ batch: [InboxEntry]) async throws(StoreError) {
        do throws(StoreError) { try await log.append(batch) } catch { throw error.of(.inbox) }
    }

    package func lease(limit: Int, now: Timestamp, until: Timestamp) async throws(StoreError) -> [LeasedInboxEntry] {
        let entries: [LeasedInboxEntry]
        do throws(StoreError) {
            entries = try await log.lease(limit: limit, for: until - now, wait: Self.wait)
        } catch {
            throw error.of(.inbox)
        }
        observer.answered(.inbox)
        leased.withLock { leased in
            // Processed by nobody, or by another: they come again.
            leased = [:]
            for entry in entries { leased[entry.sequence] = entry.entry }
        }
        return entries
    }

    package func complete(_ sequences: [Int64]) async throws(StoreError) {
        do throws(StoreError) { try await log.complete(sequences) } catch { throw error.of(.inbox) }
        observer.answered(.inbox)
    }

    package func setAside(_ entries: [(sequence: Int64, reason: String)], now: Timestamp) async throws(StoreError) {
        let bodies = leased.withLock { leased in entries.compactMap { leased[$0.sequence] } }
        try await store.append(bodies)
        try await complete(entries.map(\.sequence))
    }

    package func depth() async throws(StoreError) -> (waiting: Int, oldestReceivedAt: Timestamp?) {
        let own: (waiting: Int, oldestReceivedAt: Timestamp?)
        do throws(StoreError) { own = try await log.depth() } catch { throw error.of(.inbox) }
        let stores = try await store.depth()
        return (
            own.waiting + stores.waiting, [own.oldestReceivedAt, stores.oldestReceivedAt].compactMap(\.self).min()
        )
    }
}
