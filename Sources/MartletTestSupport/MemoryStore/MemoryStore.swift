import Martlet
import Synchronization

/// A store and an inbox in memory that keep every promise of the ports but the one of the disk.
///
/// What it holds survives for as long as the object or a connection to it does, so a test that kills a pipeline and builds another one on the
/// same store sees what a restart would. The same calls give the same answers in every run: nothing depends on the order
/// of a hash table.
package final class MemoryStore: Sendable {
    /// The calls of the ports, as ``interpose(_:)`` sees them.
    package enum Operation: String, Sendable, CaseIterable {
        case accept, message, messages, timeline, cancel, replay, discard, statistics, queueDepth
        case nextDue, claim, settle, renewLeases, recoverLeases, expire, claimHistory
        case apply, claimLookUps, settleLookUps, nextReconciliation, undecided, decide
        case countDeadLetters, insertReplay, replayJob, cancelReplay, claimReplays, deadLettersOfReplay, advanceReplay
        case insertTenant, tenants, updateTenant, deleteTenant
        case insertKey, key, keys, revokeKey, touchKeys
        case insertChannel, channels, updateChannel, updateStatus, deleteChannel
        case purge, removeFinal, check, setting, setSettingOnce
        case append, lease, complete, setAside, depth, entriesSetAside, takeBack
    }

    /// Runs before an operation touches anything: may wait, or throw in its place, in which case nothing is stored.
    package typealias Interposer = @Sendable (Operation) async throws(StoreError) -> Void

    /// A promise that the store breaks on purpose, to see whether a test notices.
    package enum Flaw: Sendable, CaseIterable {
        /// A settlement is taken whatever claim it belongs to.
        case takesAnyToken
        /// Less urgent messages are claimed first.
        case ignoresPriority
        case ignoresExpiry
        /// It is not kept when a recipient was last sent to.
        case forgetsRecipients
        /// A message is stored first and its job in a second write.
        case writesJobsApart
        /// The last acknowledgement to come decides the status.
        case letsStatusGoBack
        /// Acknowledgements whose message is not known yet are dropped.
        case parksNothing
        case forgetsDuplicateRisk
        /// A message that is delivered is not counted so.
        case miscounts
    }

    private struct Interposers: Sendable {
        var before: Interposer?
        var after: Interposer?
    }

    private final class Held: Sendable {
        let state: Mutex<MemoryState>
        init(_ state: MemoryState) { self.state = Mutex(state) }
    }

    private let held: Held
    private let interposers = Mutex(Interposers())

    /// How long acknowledgements of unknown messages are kept.
    package static let parkedFor: Duration = .seconds(86_400)
    /// How long webhooks that could not be read are kept.
    package static let setAsideFor: Duration = .seconds(30 * 86_400)

    /// - Parameters:
    ///   - identifiers: makes the ids of timeline entries; pass a seeded one where a run must repeat exactly.
    ///   - flaws: promises to break.
    package init(identifiers: IdentifierGenerator = IdentifierGenerator(), flaws: Set<Flaw> = []) {
        held = Held(MemoryState(identifiers: identifiers, flaws: flaws))
    }

    /// Another connection to the same data, with nothing in front of it.
    package init(connectedTo other: MemoryStore) { held = other.held }

    /// Puts something around every operation of this connection, or takes it away.
    /// - parameter after: runs when the operation is stored, before its caller hears of it: may wait, or throw, as a
    ///   process that dies in between would.
    package func interpose(_ before: Interposer?, after: Interposer? = nil) {
        interposers.withLock { $0 = Interposers(before: before, after: after) }
    }

    func perform<Result: Sendable>(
        _ operation: Operation, _ body: (inout MemoryState) throws(StoreError) -> Result
    ) async throws(StoreError) -> Result {
        let interposers = interposers.withLock { $0 }
        if let before = interposers.before { try await before(operation) }
        let result = try held.state.withLock { (state: inout MemoryState) throws(StoreError) -> Result in
            try body(&state)
        }
        if let after = interposers.after { try await after(operation) }
        return result
    }

    func hasFlaw(_ flaw: Flaw) -> Bool { held.state.withLock { $0.flaws.contains(flaw) } }

    // MARK: What tests look at

    /// How many messages there are, of all tenants.
    package var messageCount: Int { held.state.withLock { $0.rows.count } }

    /// Every message, oldest first.
    package var allMessages: [Message] {
        held.state.withLock { state in state.rows.values.map(MemoryState.message).sorted { $0.id < $1.id } }
    }

    /// Whether no message is queued and no webhook waits.
    package var isIdle: Bool {
        held.state.withLock { state in
            state.inbox.isEmpty && state.rows.values.allSatisfy { $0.message.status != .queued }
        }
    }

    /// Webhooks that could not be read.
    package var setAsideEntries: [SetAsideInboxEntry] { held.state.withLock { $0.setAside } }

    /// Acknowledgements whose message is not known.
    package var parkedCount: Int { held.state.withLock { $0.parked.values.reduce(0) { $0 + $1.count } } }
}
