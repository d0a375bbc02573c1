import EngineConformance
import Foundation
import GRDB
import Martlet
import Testing

@testable import SQLiteEngine

/// What can be read off the disk of contents that were to be forgotten.
@Suite struct TracesTests {
    private static let words = "never to be found again"

    /// How often the words stand in the database file and its log.
    private func traces(_ path: String) throws -> Int {
        try [path, path + "-wal"].reduce(0) { count, file in
            let contents = try [UInt8](Data(contentsOf: URL(fileURLWithPath: file)))
            return count + contents.ranges(of: Array(Self.words.utf8)).count
        }
    }

    private func secureDelete(_ store: SQLiteStore) async throws -> Int? {
        try await store.commitQueue.write { try Int.fetchOne($0, sql: "PRAGMA secure_delete") }
    }

    @Test(arguments: [1, 1000])
    func `the content of a final message to redact is gone from all files, long ones with pages of their own too`(
        times: Int
    ) async throws {
        try await withTemporaryPath { path in
            let store = try await SQLiteStore.open(path: path)
            let fixture = try await StoreFixture(store)
            let text = String(repeating: Self.words + " ", count: times)
            for _ in 0..<20 {
                _ = try await fixture.fail(
                    fixture.message {
                        $0.redact = true
                        $0.payload = .text(text)
                    }, ErrorReason(.expired), nil)
            }
            #expect(try traces(path) > 0)
            try await store.wipeTraces()
            #expect(try traces(path) == 0)
            try await store.close()
        }
    }

    @Test func `whoever never redacts pays nothing for it`() async throws {
        try await withTemporaryPath { path in
            let store = try await SQLiteStore.open(path: path)
            let fixture = try await StoreFixture(store)
            _ = try await fixture.fail(fixture.message { $0.payload = .text(Self.words) }, ErrorReason(.expired), nil)
            let before = try traces(path)
            try await store.wipeTraces()
            #expect(try traces(path) == before)
            #expect(try await secureDelete(store) == 2)
            try await store.close()
        }
    }

    @Test func `a file that was ever given a message to redact wipes after opening again, too`() async throws {
        try await withTemporaryPath { path in
            var store = try await SQLiteStore.open(path: path)
            let fixture = try await StoreFixture(store)
            _ = try await fixture.accept(fixture.message { $0.redact = true })
            #expect(try await secureDelete(store) == 1)
            try await store.close()
            store = try await SQLiteStore.open(path: path)
            #expect(try await secureDelete(store) == 1)
            try await store.close()
        }
    }

    @Test func `a reader in the middle of its work makes it another time's`() async throws {
        try await withTemporaryPath { path in
            let store = try await SQLiteStore.open(path: path)
            let fixture = try await StoreFixture(store)
            var configuration = Configuration()
            configuration.allowsUnsafeTransactions = true
            let other = try DatabaseQueue(path: path, configuration: configuration)
            _ = try await fixture.fail(
                fixture.message {
                    $0.redact = true
                    $0.payload = .text(Self.words)
                }, ErrorReason(.expired), nil)
            try await other.writeWithoutTransaction { database in
                try database.execute(sql: "BEGIN")
                _ = try Int.fetchOne(database, sql: "SELECT count(*) FROM communications_log")
            }
            _ = try await fixture.accept(fixture.message())
            try await store.wipeTraces()
            #expect(try traces(path) > 0)
            try await other.writeWithoutTransaction { try $0.execute(sql: "COMMIT") }
            try await store.wipeTraces()
            #expect(try traces(path) == 0)
            try other.close()
            try await store.close()
        }
    }
}
