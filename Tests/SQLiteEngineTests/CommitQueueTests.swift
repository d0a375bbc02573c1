import Dispatch
import GRDB
import Martlet
import Testing

@testable import SQLiteEngine

@Suite(.timeLimit(.minutes(1))) struct CommitQueueTests {
    @Test func `a call that comes alone is committed at once`() async throws {
        try await withQueue { queue, _ in
            for number in 0..<3 { try await queue.insert(number) }
            #expect(queue.statistics == .init(commits: 3, units: 3))
        }
    }

    @Test func `what piles up during a commit shares the next one, in order`() async throws {
        try await withQueue { queue, pool in
            try await whileWriterIsBusy(queue) { group in
                for number in 0..<50 {
                    group.addTask { try await queue.insert(number) }
                    try await eventually { queue.waitingCount == number + 1 }
                }
            }
            #expect(queue.statistics == .init(commits: 2, units: 51))
            #expect(try await numbers(pool) == Array(0..<50))
        }
    }

    @Test func `nobody is resumed before the commit`() async throws {
        try await withQueue { queue, pool in
            // Another connection sees only what is committed.
            for number in 0..<20 {
                try await queue.insert(number)
                #expect(try await numbers(pool).last == number)
            }
        }
    }

    @Test func `one that fails takes none of the others down, and leaves nothing`() async throws {
        try await withQueue { queue, pool in
            try await whileWriterIsBusy(queue) { group in
                group.addTask { try await queue.insert(1) }
                group.addTask {
                    let error = await #expect(throws: StoreError.self) {
                        try await queue.write { database in
                            try database.execute(sql: "INSERT INTO numbers VALUES (2)")
                            throw StoreError(.conflict, "on purpose")
                        }
                    }
                    #expect(error?.description == "conflict: on purpose")
                }
                group.addTask { try await queue.insert(3) }
                group.addTask {
                    // The same number again: refused by the database itself.
                    await #expect(throws: StoreError.self) {
                        try await queue.write { database in
                            for _ in 0..<2 { try database.execute(sql: "INSERT INTO numbers VALUES (4)") }
                        }
                    }
                }
                try await eventually { queue.waitingCount == 4 }
            }
            #expect(queue.statistics.commits == 2)
            #expect(try await numbers(pool).sorted() == [1, 3])
        }
    }

    @Test func `when the commit fails everybody gets the error and nothing is stored`() async throws {
        try await withQueue { queue, pool in
            try await whileWriterIsBusy(queue) { group in
                for number in 0..<5 {
                    group.addTask {
                        await #expect(throws: StoreError.self) { try await queue.insert(number) }
                    }
                }
                group.addTask {
                    // A deferred foreign key is checked by COMMIT alone.
                    await #expect(throws: StoreError.self) {
                        try await queue.write { try $0.execute(sql: "INSERT INTO children VALUES (77)") }
                    }
                }
                try await eventually { queue.waitingCount == 6 }
            }
            #expect(try await numbers(pool) == [])
            try await queue.insert(9)
            #expect(try await numbers(pool) == [9])
        }
    }

    @Test func `when SQLite gives the whole transaction up everybody gets the error and the next call works`()
        async throws
    {
        try await withQueue { queue, pool in
            try await queue.insert(1)
            try await whileWriterIsBusy(queue) { group in
                group.addTask { await #expect(throws: StoreError.self) { try await queue.insert(2) } }
                try await eventually { queue.waitingCount == 1 }
                group.addTask {
                    await #expect(throws: StoreError.self) {
                        try await queue.write { try $0.execute(sql: "INSERT OR ROLLBACK INTO numbers VALUES (1)") }
                    }
                }
                try await eventually { queue.waitingCount == 2 }
                group.addTask { await #expect(throws: StoreError.self) { try await queue.insert(3) } }
                try await eventually { queue.waitingCount == 3 }
            }
            #expect(try await numbers(pool) == [1])
            try await queue.insert(4)
            #expect(try await numbers(pool) == [1, 4])
        }
    }

    @Test func `more calls than may wait are refused at once, and the others are served`() async throws {
        var limits = CommitQueue.Limits()
        limits.units = 3
        try await withQueue(limits) { queue, pool in
            try await whileWriterIsBusy(queue) { group in
                for number in 0..<3 { group.addTask { try await queue.insert(number) } }
                try await eventually { queue.waitingCount == 3 }
                let error = await #expect(throws: StoreError.self) { try await queue.insert(3) }
                #expect(error?.code == .overloaded)
                #expect(error?.isRetriable == true)
            }
            #expect(try await numbers(pool).sorted() == [0, 1, 2])
            try await queue.insert(4)
        }
    }

    @Test func `more memory than may wait is refused at once, but a single large call is taken`() async throws {
        var limits = CommitQueue.Limits()
        limits.bytes = 1000
        try await withQueue(limits) { queue, _ in
            try await whileWriterIsBusy(queue) { group in
                group.addTask { try await queue.insert(0, bytes: 5000) }
                try await eventually { queue.waitingCount == 1 }
                let error = await #expect(throws: StoreError.self) { try await queue.insert(1, bytes: 1) }
                #expect(error?.code == .overloaded)
            }
            // What was written no longer counts.
            try await whileWriterIsBusy(queue) { group in
                group.addTask { try await queue.insert(2, bytes: 999) }
                group.addTask { try await queue.insert(3, bytes: 1) }
                try await eventually { queue.waitingCount == 2 }
            }
        }
    }

    @Test func `a transaction takes a bounded number of calls`() async throws {
        var limits = CommitQueue.Limits()
        limits.unitsPerTransaction = 4
        try await withQueue(limits) { queue, pool in
            try await whileWriterIsBusy(queue) { group in
                for number in 0..<10 {
                    group.addTask { try await queue.insert(number, bytes: 10) }
                    try await eventually { queue.waitingCount == number + 1 }
                }
            }
            #expect(queue.statistics == .init(commits: 4, units: 11))
            #expect(try await numbers(pool) == Array(0..<10))
        }
    }

    @Test func `a cancelled caller's write is done all the same`() async throws {
        try await withQueue { queue, pool in
            try await whileWriterIsBusy(queue) { group in
                group.addTask { try await queue.insert(1) }
                try await eventually { queue.waitingCount == 1 }
                group.cancelAll()
            }
            #expect(try await numbers(pool) == [1])
        }
    }

    @Test func `closing waits for what was handed over and refuses what comes later`() async throws {
        try await withQueue { queue, pool in
            let gate = DispatchSemaphore(value: 0)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await queue.write { _ in gate.wait() } }
                try await eventually { queue.waitingCount == 0 && queue.isBusy }
                group.addTask { try await queue.insert(1) }
                try await eventually { queue.waitingCount == 1 }
                group.addTask { await queue.close() }
                try await eventually { queue.isClosed }
                gate.signal()
                try await group.waitForAll()
            }
            #expect(try await numbers(pool) == [1])
            let error = await #expect(throws: StoreError.self) { try await queue.insert(2) }
            #expect(error?.code == .unavailable)
        }
    }

    @Test func `what runs between transactions waits for one and for no more`() async throws {
        try await withQueue(.init()) { queue, pool in
            try await whileWriterIsBusy(queue) { group in
                group.addTask { try await queue.insert(1) }
                try await eventually { queue.waitingCount == 1 }
                group.addTask {
                    let (isInside, count) = try await queue.betweenTransactions { database in
                        (database.isInsideTransaction, try Int.fetchOne(database, sql: "SELECT count(*) FROM numbers"))
                    }
                    #expect(!isInside)
                    #expect((0...1).contains(count ?? -1))
                }
            }
            await #expect(throws: StoreError.self) {
                try await queue.betweenTransactions { _ in throw StoreError(.conflict, "on purpose") }
            }
            await queue.close()
            await #expect(throws: StoreError.self) { try await queue.betweenTransactions { _ in } }
            #expect(try await numbers(pool) == [1])
        }
    }

    // MARK: Around it

    private func withQueue(
        _ limits: CommitQueue.Limits = .init(), _ body: (CommitQueue, DatabasePool) async throws -> Void
    ) async throws {
        try await withTemporaryPath { path in
            let pool = try DatabasePool(path: path)
            try await pool.write { database in
                try database.execute(
                    sql: """
                        CREATE TABLE numbers (number INTEGER UNIQUE);
                        CREATE TABLE parents (id INTEGER PRIMARY KEY);
                        CREATE TABLE children (parent REFERENCES parents (id) DEFERRABLE INITIALLY DEFERRED);
                        """)
            }
            let queue = CommitQueue(writer: pool, limits: limits) { error in
                error as? StoreError ?? StoreError(.unavailable, "\(error)")
            }
            try await body(queue, pool)
            try pool.close()
        }
    }

    /// Holds the writer inside a transaction while the body hands calls over, then waits for all of them.
    private func whileWriterIsBusy(
        _ queue: CommitQueue, _ body: (inout ThrowingTaskGroup<Void, any Error>) async throws -> Void
    ) async throws {
        let gate = DispatchSemaphore(value: 0)
        // The writer may still be leaving an earlier transaction: only the call itself can say that it has begun.
        let (begun, hasBegun) = AsyncStream.makeStream(of: Void.self)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await queue.write { _ in
                    hasBegun.yield()
                    gate.wait()
                }
            }
            for await _ in begun { break }
            do {
                try await body(&group)
            } catch {
                gate.signal()
                throw error
            }
            gate.signal()
            try await group.waitForAll()
        }
    }

    private func numbers(_ pool: DatabasePool) async throws -> [Int] {
        try await pool.read { try Int.fetchAll($0, sql: "SELECT number FROM numbers ORDER BY rowid") }
    }
}

extension CommitQueue {
    fileprivate func insert(_ number: Int, bytes: Int = 0) async throws {
        try await write(bytes: bytes) { try $0.execute(sql: "INSERT INTO numbers VALUES (?)", arguments: [number]) }
    }
}
