import Synchronization

/// An inbox that is a log of an engine of its own. What cannot be read goes to the store's inbox, which keeps it aside for
/// operators and takes it back.
package final class SeparateInbox: Inbox {
    /// How long a look at the log may wait for something to come.
    private static let wait: Duration = .milliseconds(500)

    private let log: any InboxLog
    private let store: any Inbox
    /// What is leased now, for the case that it cannot be read.
    private let leased = Mutex<[Int64: InboxEntry]>([:])

    package init(log: any InboxLog, store: any Inbox) {
        self.log = log
        self.store = store
    }

    package func append(_ batch: [InboxEntry]) async throws(StoreError) { try await log.append(batch) }

    package func lease(limit: Int, now: Timestamp, until: Timestamp) async throws(StoreError) -> [LeasedInboxEntry] {
        let entries = try await log.lease(limit: limit, for: until - now, wait: Self.wait)
        leased.withLock { leased in
            // Processed by nobody, or by another: they come again.
            leased = [:]
            for entry in entries { leased[entry.sequence] = entry.entry }
        }
        return entries
    }

    package func complete(_ sequences: [Int64]) async throws(StoreError) { try await log.complete(sequences) }

    package func setAside(_ entries: [(sequence: Int64, reason: String)], now: Timestamp) async throws(StoreError) {
        let bodies = leased.withLock { leased in entries.compactMap { leased[$0.sequence] } }
        try await store.append(bodies)
        try await log.complete(entries.map(\.sequence))
    }

    package func depth() async throws(StoreError) -> (waiting: Int, oldestReceivedAt: Timestamp?) {
        let own = try await log.depth()
        let stores = try await store.depth()
        return (
            own.waiting + stores.waiting, [own.oldestReceivedAt, stores.oldestReceivedAt].compactMap(\.self).min()
        )
    }
}
