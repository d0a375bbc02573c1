import EngineConformance
import Foundation
import GRDB
import Martlet
import Testing

@testable import SQLiteEngine

@Suite struct OpeningTests {
    @Test func `the writer syncs fully, in write-ahead mode`() async throws {
        try await withTemporaryStore { store in
            let (synchronous, journal) = try await store.commitQueue.write { database in
                (
                    try Int.fetchOne(database, sql: "PRAGMA synchronous"),
                    try String.fetchOne(database, sql: "PRAGMA journal_mode")
                )
            }
            #expect(synchronous == 2)
            #expect(journal == "wal")
        }
    }

    @Test func `what a call returned for is in the file, for others to see and after opening again`() async throws {
        try await withTemporaryPath { path in
            let store = try await SQLiteStore.open(path: path)
            let fixture = try await StoreFixture(store)
            let message = try await fixture.accept(fixture.message())
            let other = try DatabaseQueue(path: path)
            #expect(
                try await other.read { try String.fetchAll($0, sql: "SELECT id FROM communications_log") }
                    == [message.id.text])
            try other.close()
            try await store.close()
            let again = try await SQLiteStore.open(path: path)
            #expect(try await again.message(message.id, tenant: nil) == message)
            #expect(try await again.schemaVersion() == Migration.latestVersion)
            try await again.close()
        }
    }

    @Test func `only its owner can read a new file`() async throws {
        try await withTemporaryPath { path in
            let store = try await SQLiteStore.open(path: path)
            for file in [path, path + "-wal"] {
                let attributes = try FileManager.default.attributesOfItem(atPath: file)
                #expect(attributes[.posixPermissions] as? Int == 0o600)
            }
            try await store.close()
        }
    }

    @Test func `a file of a later version is refused, and both versions are named`() async throws {
        try await withTemporaryPath { path in
            try await SQLiteStore.open(path: path).close()
            try await change(path, "PRAGMA user_version = 4711")
            let error = await #expect(throws: StoreError.self) { _ = try await SQLiteStore.open(path: path) }
            #expect(error?.code == .unusable)
            #expect(error?.message.contains("4711") == true)
            #expect(error?.message.contains("\(Migration.latestVersion)") == true)
            #expect(error?.message.contains("\n") == false)
        }
    }

    @Test func `an older schema is refused where migrating is not wanted, and nothing is changed`() async throws {
        try await withTemporaryPath { path in
            var options = SQLiteOptions()
            options.migrate = false
            let error = await #expect(throws: StoreError.self) {
                _ = try await SQLiteStore.open(path: path, options: options)
            }
            #expect(error?.code == .unusable)
            #expect(error?.message.contains("martlet migrate") == true)
            try await SQLiteStore.open(path: path).close()
            try await SQLiteStore.open(path: path, options: options).close()
        }
    }

    @Test func `a file of the first version is brought up to date and keeps what it holds`() async throws {
        try await withTemporaryPath { path in
            try await change(
                path,
                """
                \(Schema.version1)
                PRAGMA user_version = 1;
                PRAGMA application_id = \(DatabaseOpening.applicationID);
                INSERT INTO settings (name, value) VALUES ('kept', x'2A');
                """)
            var options = SQLiteOptions()
            options.migrate = false
            let error = await #expect(throws: StoreError.self) {
                _ = try await SQLiteStore.open(path: path, options: options)
            }
            #expect(error?.code == .unusable)
            let store = try await SQLiteStore.open(path: path)
            #expect(try await store.schemaVersion() == Migration.latestVersion)
            #expect(try await store.setting("kept") == [0x2A])
            for promise in ReplayPromises.all.prefix(1) { try await promise.check(try await StoreFixture(store)) }
            try await store.close()
        }
    }

    @Test func `a file that is no database, or another program's, is refused untouched`() async throws {
        try await withTemporaryPath { path in
            let text = Data(String(repeating: "not a database\n", count: 100).utf8)
            try text.write(to: URL(fileURLWithPath: path))
            let error = await #expect(throws: StoreError.self) { _ = try await SQLiteStore.open(path: path) }
            #expect(error?.code == .unusable)
            #expect(error?.message.contains("is not a SQLite database") == true)
            #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == text)
        }
        try await withTemporaryPath { path in
            try await change(path, "CREATE TABLE somebody_elses (id INTEGER)")
            let before = try Data(contentsOf: URL(fileURLWithPath: path))
            let error = await #expect(throws: StoreError.self) { _ = try await SQLiteStore.open(path: path) }
            #expect(error?.code == .unusable)
            #expect(error?.message.contains("another program") == true)
            #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == before)
        }
    }

    @Test func `a place that cannot be written is named`() async throws {
        try await withTemporaryPath { path in
            let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
            for wrong in [folder + "/missing/martlet.db", folder] {
                let error = await #expect(throws: StoreError.self) { _ = try await SQLiteStore.open(path: wrong) }
                #expect(error?.code == .unavailable)
                #expect(error?.message.contains(wrong) == true)
            }
        }
    }

    @Test func `two stores may open a new file at once`() async throws {
        try await withTemporaryPath { path in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<4 { group.addTask { try await SQLiteStore.open(path: path).close() } }
                try await group.waitForAll()
            }
        }
    }

    @Test func `one worker at a time`() async throws {
        try await withTemporaryStore { store in
            var lock: WorkerLock? = try store.acquireWorkerLock()
            let error = #expect(throws: StoreError.self) { _ = try store.acquireWorkerLock() }
            #expect(error?.code == .conflict)
            #expect(lock != nil)
            lock = nil
            _ = try store.acquireWorkerLock()
        }
    }

    @Test func `a closed store says so`() async throws {
        try await withTemporaryPath { path in
            let store = try await SQLiteStore.open(path: path)
            try await store.close()
            let writing = await #expect(throws: StoreError.self) { try await store.check() }
            #expect(writing?.code == .unavailable)
            let reading = await #expect(throws: StoreError.self) { _ = try await store.nextDue() }
            #expect(reading?.code == .unavailable)
        }
    }

    @Test func `a full disk refuses the call, stores nothing of it, and the next call works once there is room`()
        async throws
    {
        try await withTemporaryStore { store in
            let entry = InboxEntry(
                channel: ChannelID(unchecked: "chn_1"), receivedAt: StoreFixture.start,
                body: [UInt8](repeating: 7, count: 200_000))
            // SQLite answers as it does on a full disk once the file would have more pages than this.
            try await store.commitQueue.write { database in
                let pages = try Int.fetchOne(database, sql: "PRAGMA page_count") ?? 0
                _ = try Int.fetchOne(database, sql: "PRAGMA max_page_count = \(pages + 60)")
            }
            try await store.append([entry])
            let error = await #expect(throws: StoreError.self) { try await store.append([entry, entry]) }
            #expect(error?.code == .full)
            #expect(try await store.depth().waiting == 1)
            try await store.commitQueue.write { database in
                _ = try Int.fetchOne(database, sql: "PRAGMA max_page_count = 1000000")
            }
            try await store.append([entry, entry])
            #expect(try await store.depth().waiting == 3)
        }
    }

    @Test func `an error carries neither statement nor content`() async throws {
        try await withTemporaryStore { store in
            let fixture = try await StoreFixture(store)
            let message = try await fixture.accept(fixture.message(text: "a private word"))
            let error = await #expect(throws: StoreError.self) { _ = try await fixture.accept(message) }
            #expect(error?.description.contains("private") == false)
            #expect(error?.description.contains("INSERT") == false)
        }
    }

    private func change(_ path: String, _ sql: String) async throws {
        let queue = try DatabaseQueue(path: path)
        try await queue.write { try $0.execute(sql: sql) }
        try queue.close()
    }
}
