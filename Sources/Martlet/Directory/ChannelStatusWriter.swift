import Synchronization

/// Brings the statuses of channels to the store: one write at a time and always the newest word, so that two changes in a row
/// cannot be stored the wrong way round. What the store did not take stays to be written.
final class ChannelStatusWriter: Sendable {
    private struct Word: Sendable, Equatable {
        var status: ChannelStatus
        var reason: String?
        var since: Timestamp
    }

    private final class Unwritten: Sendable {
        let words = Mutex<[ChannelID: Word]>([:])
    }

    private let unwritten = Unwritten()
    private let commits: GroupCommit<ChannelID, Void>

    init(store: any DirectoryStore) {
        let unwritten = unwritten
        commits = GroupCommit { (ids: [ChannelID]) async throws(StoreError) in
            for id in ids {
                guard let word = unwritten.words.withLock({ $0[id] }) else { continue }
                try await store.updateStatus(id, word.status, reason: word.reason, since: word.since)
                unwritten.words.withLock { words in
                    if words[id] == word { words[id] = nil }
                }
            }
            return Array(repeating: (), count: ids.count)
        }
    }

    /// The channel's status has changed. Called under the lock under which it changes: the order is the order of changes.
    func note(_ channel: Channel) {
        let word = Word(status: channel.status, reason: channel.statusReason, since: channel.statusSince)
        unwritten.words.withLock { $0[channel.id] = word }
    }

    func forget(_ id: ChannelID) { unwritten.words.withLock { _ = $0.removeValue(forKey: id) } }

    /// Returns when the newest word on the channel is stored.
    func write(_ id: ChannelID) async throws(StoreError) {
        guard unwritten.words.withLock({ $0[id] != nil }) else { return }
        try await commits.submit(id)
    }

    /// Writes everything that could not be written before.
    func writeAll() async throws(StoreError) {
        let ids = unwritten.words.withLock { $0.keys.sorted() }
        guard !ids.isEmpty else { return }
        _ = try await commits.submit(contentsOf: ids)
    }
}
