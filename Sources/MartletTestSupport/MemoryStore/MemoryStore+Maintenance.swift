import Martlet

extension MemoryStore: Maintenance {
    package func purge(now: Timestamp, keepingClaimsFor: Duration, limit: Int) async throws(StoreError) -> Int {
        try await perform(.purge) { state in
            var removed = 0
            let oldKeys = state.keysSeen.filter { $0.value.expiresAt <= now }
                .sorted { $0.value.message < $1.value.message }.prefix(limit)
            for (key, _) in oldKeys { state.keysSeen[key] = nil }
            removed += oldKeys.count

            var parkedLeft = limit
            for key in state.parked.keys.sorted(by: { ($0.channel, $0.id) < ($1.channel, $1.id) }) where parkedLeft > 0
            {
                let entries = state.parked[key] ?? []
                let kept = entries.filter { $0.parkedAt + Self.parkedFor > now }
                parkedLeft -= entries.count - kept.count
                state.parked[key] = kept.isEmpty ? nil : kept
            }
            removed += limit - parkedLeft

            let oldAside = state.setAside.filter { $0.setAsideAt + Self.setAsideFor <= now }.prefix(limit).count
            state.setAside.removeFirst(oldAside)
            removed += oldAside

            removed += state.purgeReplays(now: now, limit: limit)

            for (channel, claims) in state.claimHistory {
                let old = min(limit, claims.prefix { $0 + keepingClaimsFor <= now }.count)
                state.claimHistory[channel]?.removeFirst(old)
                removed += old
            }
            return removed
        }
    }

    package func removeFinal(createdBefore: Timestamp, limit: Int) async throws(StoreError) -> Int {
        try await perform(.removeFinal) { state in
            let old = state.rows.values
                .filter { $0.message.status.isFinal && $0.message.createdAt < createdBefore }
                .map(\.message.id).sorted().prefix(limit)
            for id in old { state.remove(id) }
            return old.count
        }
    }

    package func check() async throws(StoreError) {
        try await perform(.check) { state in state.settings["check"] = [1] }
    }

    package func setting(_ name: String) async throws(StoreError) -> [UInt8]? {
        try await perform(.setting) { state in state.settings[name] }
    }

    package func setSettingOnce(_ name: String, _ value: [UInt8]) async throws(StoreError) -> [UInt8] {
        try await perform(.setSettingOnce) { state in
            if let standing = state.settings[name] { return standing }
            state.settings[name] = value
            return value
        }
    }
}
