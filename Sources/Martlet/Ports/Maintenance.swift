/// What keeps a store healthy.
package protocol Maintenance: Sendable {
    /// Forgets idempotency keys past their window, parked acknowledgements and set-aside webhooks past theirs, bulk replays
    /// that have been over for thirty days, and the claim history past the time that the longest rate window needs; each at
    /// most `limit` rows, so that nobody waits for long. Answers how many rows went.
    func purge(now: Timestamp, keepingClaimsFor: Duration, limit: Int) async throws(StoreError) -> Int

    /// Removes final messages created before then, with their events; at most that many. Answers how many. An engine that keeps
    /// them by the week may keep them for up to a week longer, and then removes any number at once.
    func removeFinal(createdBefore: Timestamp, limit: Int) async throws(StoreError) -> Int

    /// A durable write and a read, for readiness.
    func check() async throws(StoreError)

    /// Overwrites what is left on the disk of contents that were to be forgotten. Called every few seconds.
    func wipeTraces() async throws(StoreError)

    /// Values that belong to the installation, such as the admin token's hash.
    func setting(_ name: String) async throws(StoreError) -> [UInt8]?
    /// Stores the value unless there is one; answers the one that stands.
    func setSettingOnce(_ name: String, _ value: [UInt8]) async throws(StoreError) -> [UInt8]
}

extension Maintenance {
    /// Where deleting leaves no traces there is nothing to do.
    package func wipeTraces() async throws(StoreError) {}

    /// ``purge(now:keepingClaimsFor:limit:)`` where no rate window is longer than ten minutes.
    package func purge(now: Timestamp, limit: Int) async throws(StoreError) -> Int {
        try await purge(now: now, keepingClaimsFor: .seconds(600), limit: limit)
    }
}

/// The whole system of record, as one engine gives it.
package typealias Store = MessageStore & DispatchQueue & ReconciliationStore & ReplayStore & DirectoryStore
    & Maintenance
