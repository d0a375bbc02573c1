import Martlet

extension MemoryStore: SetAsideInbox {
    package func append(_ batch: [InboxEntry]) async throws(StoreError) {
        try await perform(.append) { state in
            for entry in batch {
                state.inbox[state.nextSequence] = (entry, Timestamp(microseconds: .min))
                state.nextSequence += 1
            }
        }
    }

    package func lease(limit: Int, now: Timestamp, until: Timestamp) async throws(StoreError) -> [LeasedInboxEntry] {
        try await perform(.lease) { state in
            let free = state.inbox.filter { $0.value.leasedUntil <= now }.keys.sorted().prefix(limit)
            return free.compactMap { sequence in
                state.inbox[sequence]?.leasedUntil = until
                return state.inbox[sequence].map { LeasedInboxEntry(sequence: sequence, entry: $0.entry) }
            }
        }
    }

    package func complete(_ sequences: [Int64]) async throws(StoreError) {
        try await perform(.complete) { state in
            for sequence in sequences { state.inbox[sequence] = nil }
        }
    }

    package func setAside(_ entries: [(sequence: Int64, reason: String)], now: Timestamp) async throws(StoreError) {
        try await perform(.setAside) { state in
            for (sequence, reason) in entries {
                guard let known = state.inbox.removeValue(forKey: sequence) else { continue }
                state.setAside.append(
                    SetAsideInboxEntry(sequence: sequence, entry: known.entry, reason: reason, setAsideAt: now))
            }
        }
    }

    package func depth() async throws(StoreError) -> (waiting: Int, oldestReceivedAt: Timestamp?) {
        try await perform(.depth) { state in
            (waiting: state.inbox.count, oldestReceivedAt: state.inbox.values.map(\.entry.receivedAt).min())
        }
    }

    package func entriesSetAside(limit: Int) async throws(StoreError) -> [SetAsideInboxEntry] {
        try await perform(.entriesSetAside) { state in Array(state.setAside.prefix(limit)) }
    }

    package func takeBack(_ sequences: [Int64]) async throws(StoreError) {
        try await perform(.takeBack) { state in
            for sequence in sequences {
                guard let index = state.setAside.firstIndex(where: { $0.sequence == sequence }) else { continue }
                let entry = state.setAside.remove(at: index).entry
                state.inbox[state.nextSequence] = (entry, Timestamp(microseconds: .min))
                state.nextSequence += 1
            }
        }
    }
}
