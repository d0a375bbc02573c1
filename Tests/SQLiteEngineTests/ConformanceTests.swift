import EngineConformance
import Martlet
import SQLiteEngine
import Testing

/// Every promise of every port, against SQLite.
@Suite(.timeLimit(.minutes(2))) struct ConformanceTests {
    @Test(arguments: StorePromises.all)
    func `keeps the store's promises`(_ promise: Promise<StoreFixture>) async throws {
        try await withTemporaryStore { store in try await promise.check(try await StoreFixture(store)) }
    }

    @Test(arguments: ConcurrencyPromises.all)
    func `keeps the store's promises when many use it at once`(_ promise: Promise<[any Store]>) async throws {
        try await withTemporaryStore { store in try await promise.check([store]) }
    }

    @Test(arguments: InboxPromises.all)
    func `keeps the inbox's promises`(_ promise: Promise<any SetAsideInbox>) async throws {
        try await withTemporaryStore { store in try await promise.check(store) }
    }
}
