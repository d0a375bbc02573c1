import EngineConformance
import Martlet
import MartletTestSupport
import Testing

/// The store in memory keeps the same promises as every engine: what is tested on it says something.
@Suite struct MemoryStoreTests {
    @Test(arguments: StorePromises.all)
    func `keeps the store's promises`(_ promise: Promise<StoreFixture>) async throws {
        try await promise.check(StoreFixture(MemoryStore()))
    }

    @Test(arguments: ConcurrencyPromises.all)
    func `keeps the store's promises when many use it at once`(_ promise: Promise<[any Store]>) async throws {
        let store = MemoryStore()
        try await promise.check([store, MemoryStore(connectedTo: store)])
    }

    @Test(arguments: InboxPromises.all)
    func `keeps the inbox's promises`(_ promise: Promise<any SetAsideInbox>) async throws {
        try await promise.check(MemoryStore())
    }
}
