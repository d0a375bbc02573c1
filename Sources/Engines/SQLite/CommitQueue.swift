import GRDB
import Martlet
import Synchronization

/// Group commit: everything that is handed over while a transaction is being committed goes into the next one.
///
/// One connection writes, on its own thread. It takes all that waits, in order, runs each unit in a savepoint of its
/// own, so that one that fails takes none of the others down, and resumes all of them only after `COMMIT` has returned.
/// A unit that comes alone is committed at once; nobody lingers for company.
package final class CommitQueue: Sendable {
    /// What may wait at once. Beyond it, a call is refused at once as `overloaded`.
    package struct Limits: Sendable {
        /// Calls that wait.
        package var units = 4096
        /// Memory their rows take, as the callers estimate it.
        package var bytes = 64 << 20
        /// Calls in one transaction; bounds how long the first of them waits for the last.
        package var unitsPerTransaction = 1024

        package init() {}
    }

    /// What was done so far.
    package struct Statistics: Sendable, Equatable {
        /// Transactions that were committed.
        package var commits = 0
        /// Calls that were part of them, failed ones included.
        package var units = 0
    }

    private struct State {
        var waiting: [any Unit] = []
        var waitingBytes = 0
        /// What runs between two transactions.
        var apart: [any Unit] = []
        var isDraining = false
        var isClosed = false
        var statistics = Statistics()
    }

    private let writer: any DatabaseWriter
    private let limits: Limits
    private let translate: @Sendable (any Error) -> StoreError
    private let state = Mutex(State())

    /// - parameter translate: turns what the database throws into what callers get.
    package init(
        writer: any DatabaseWriter, limits: Limits = Limits(),
        translate: @escaping @Sendable (any Error) -> StoreError
    ) {
        self.writer = writer
        self.limits = limits
        self.translate = translate
    }

    package var statistics: Statistics { state.withLock(\.statistics) }

    /// How many calls wait for their transaction.
    package var waitingCount: Int { state.withLock(\.waiting.count) }

    /// Whether a transaction is under way or about to begin.
    package var isBusy: Bool { state.withLock(\.isDraining) }

    /// Whether new calls are refused for good.
    package var isClosed: Bool { state.withLock(\.isClosed) }

    /// Runs the body in the next transaction and returns its value once that is on disk. The body must not begin or end
    /// transactions. Cancelling the task changes nothing: what was handed over is written.
    /// - parameter bytes: about how much memory the body holds.
    /// - throws: what the body threw, or why the transaction could not be committed; nothing of the body is stored
    ///   then.
    package func write<Value: Sendable>(
        bytes: Int = 0, _ body: @escaping @Sendable (Database) throws -> Value
    ) async throws(StoreError) -> Value {
        let result: Result<Value, StoreError> = await withCheckedContinuation { continuation in
            submit(PendingWrite(bytes: bytes, body: body, continuation: continuation))
        }
        return try result.get()
    }

    /// Runs the body on the writer's connection between two transactions, however many writes wait.
    /// - throws: what the body threw.
    package func betweenTransactions<Value: Sendable>(
        _ body: @escaping @Sendable (Database) throws -> Value
    ) async throws(StoreError) -> Value {
        let result: Result<Value, StoreError> = await withCheckedContinuation { continuation in
            let unit = PendingWrite(bytes: 0, body: body, continuation: continuation)
            let verdict: Verdict = state.withLock { state in
                if state.isClosed { return .refused(Self.closed) }
                state.apart.append(unit)
                return Self.wake(&state)
            }
            carryOut(verdict, unit)
        }
        return try result.get()
    }

    /// Refuses new calls and returns when those that wait are written.
    package func close() async {
        state.withLock { $0.isClosed = true }
        // The writer's thread works in order: what was handed over before is written when this comes up.
        await withCheckedContinuation { continuation in
            writer.asyncWriteWithoutTransaction { _ in continuation.resume() }
        }
    }

    private static let closed = StoreError(.unavailable, "the database is closed")

    private enum Verdict {
        case wakes, joins
        case refused(StoreError)
    }

    private static func wake(_ state: inout State) -> Verdict {
        if state.isDraining { return .joins }
        state.isDraining = true
        return .wakes
    }

    private func submit(_ unit: any Unit) {
        let verdict: Verdict = state.withLock { state in
            if state.isClosed { return .refused(Self.closed) }
            // A single unit larger than the byte limit is taken when nothing else waits: refusing it would be for ever.
            guard state.waiting.count < limits.units,
                state.waiting.isEmpty || state.waitingBytes + unit.bytes <= limits.bytes
            else { return .refused(StoreError(.overloaded, "\(state.waiting.count) writes are waiting for the disk")) }
            state.waiting.append(unit)
            state.waitingBytes += unit.bytes
            return Self.wake(&state)
        }
        carryOut(verdict, unit)
    }

    private func carryOut(_ verdict: Verdict, _ unit: any Unit) {
        switch verdict {
        case .joins: break
        case .wakes: writer.asyncWriteWithoutTransaction { [self] database in drain(database) }
        case .refused(let error): unit.finish(failure: error)
        }
    }

    private func drain(_ database: Database) {
        while let group = takeGroup() {
            if !group.isEmpty { commit(group, database) }
            for unit in takeApart() {
                do { try unit.perform(database) } catch { unit.fail(translate(error)) }
                unit.finish(failure: nil)
            }
        }
    }

    private func takeApart() -> [any Unit] {
        state.withLock { state in
            defer { state.apart = [] }
            return state.apart
        }
    }

    /// What goes into the next transaction; empty when there is only something to do beside it, nil when there is nothing.
    private func takeGroup() -> [any Unit]? {
        state.withLock { state in
            guard !state.waiting.isEmpty else {
                state.isDraining = !state.apart.isEmpty
                return state.apart.isEmpty ? nil : []
            }
            let group: [any Unit]
            if state.waiting.count <= limits.unitsPerTransaction {
                group = state.waiting
                state.waiting = []
                state.waitingBytes = 0
            } else {
                group = Array(state.waiting.prefix(limits.unitsPerTransaction))
                state.waiting.removeFirst(limits.unitsPerTransaction)
                state.waitingBytes -= group.reduce(0) { $0 + $1.bytes }
            }
            return group
        }
    }

    private func commit(_ group: [any Unit], _ database: Database) {
        var failure: StoreError?
        do {
            try database.inTransaction(.immediate) {
                for unit in group { try run(unit, database) }
                return .commit
            }
            state.withLock { state in
                state.statistics.commits += 1
                state.statistics.units += group.count
            }
        } catch {
            failure = translate(error)
        }
        for unit in group { unit.finish(failure: failure) }
    }

    /// Runs one unit in a savepoint.
    /// - throws: when the whole transaction is lost, as SQLite decides after some errors (a full disk among them).
    private func run(_ unit: any Unit, _ database: Database) throws {
        try database.run("SAVEPOINT unit")
        do {
            try unit.perform(database)
        } catch {
            guard database.isInsideTransaction else { throw error }
            try database.run("ROLLBACK TO SAVEPOINT unit")
            try database.run("RELEASE SAVEPOINT unit")
            unit.fail(translate(error))
            return
        }
        try database.run("RELEASE SAVEPOINT unit")
    }
}

/// One call's share of a transaction, whatever it answers.
private protocol Unit: AnyObject, Sendable {
    var bytes: Int { get }
    /// Runs it; called once, on the writer's thread.
    func perform(_ database: Database) throws
    /// Notes that it failed by itself while others may succeed.
    func fail(_ error: StoreError)
    /// Resumes the caller with its outcome, or with why the whole transaction failed. Called exactly once.
    func finish(failure: StoreError?)
}

/// Sendable though it changes: until it is handed over only its caller knows it, then only the writer's thread touches
/// it, and a refused one is finished by the caller without ever having been handed over.
private final class PendingWrite<Value: Sendable>: Unit, @unchecked Sendable {
    let bytes: Int
    private let body: @Sendable (Database) throws -> Value
    private let continuation: CheckedContinuation<Result<Value, StoreError>, Never>
    private var outcome: Result<Value, StoreError>?

    init(
        bytes: Int, body: @escaping @Sendable (Database) throws -> Value,
        continuation: CheckedContinuation<Result<Value, StoreError>, Never>
    ) {
        self.bytes = bytes
        self.body = body
        self.continuation = continuation
    }

    func perform(_ database: Database) throws { outcome = .success(try body(database)) }

    func fail(_ error: StoreError) { outcome = .failure(error) }

    func finish(failure: StoreError?) {
        if let failure {
            continuation.resume(returning: .failure(failure))
        } else if let outcome {
            continuation.resume(returning: outcome)
        } else {
            preconditionFailure("a committed unit has run")
        }
    }
}
