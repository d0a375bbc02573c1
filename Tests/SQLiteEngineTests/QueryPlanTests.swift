import EngineConformance
import GRDB
import Martlet
import Synchronization
import Testing

@testable import SQLiteEngine

/// Whatever the store does, it does on indexes: every statement that the promises make it run is explained by SQLite.
@Suite struct QueryPlanTests {
    /// Tables that grow with traffic, and their names inside the statements.
    private static let large: Set<String> = [
        "communications_log", "l", "events", "e", "jobs", "j", "lookups", "u", "parked_acknowledgements",
        "idempotency_keys", "inbox", "claim_history", "recipient_pace",
    ]

    /// Walks of a table from its oldest row on that stop at their limit.
    private static let boundedWalks = [
        "FROM inbox WHERE lease_until <= ? ORDER BY sequence LIMIT ?",
        "SELECT received_at FROM inbox ORDER BY sequence LIMIT 1",
        "SELECT seq, parked_at FROM parked_acknowledgements ORDER BY seq LIMIT ?2",
    ]

    @Test func `no statement walks a table that grows`() async throws {
        let statements = try await statementsOfAllPromises()
        #expect(statements.count > 80)
        try await withTemporaryStore { store in
            let plans = try await plans(of: statements, store)
            for (statement, plan) in plans {
                let walks = plan.filter { line in
                    let words = line.split(separator: " ")
                    return words.first == "SCAN" && Self.large.contains(String(words.dropFirst().first ?? ""))
                }
                let isBounded = Self.boundedWalks.contains { statement.contains($0) }
                #expect(walks.isEmpty || isBounded, "\(statement)\n\(plan.joined(separator: "\n"))")
            }
        }
    }

    @Test func `lists and claims come out of their index in order, without sorting`() async throws {
        let statements = try await statementsOfAllPromises().filter { statement in
            (statement.contains("ORDER BY l.created_at DESC, l.seq DESC") && !statement.contains(" OR l.submission_id"))
                || statement == Statements.dueJobs || statement == Statements.expiredJobs
                || statement == Statements.claimedJobs || statement == Statements.undecidedJobs
                || statement == Statements.dueLookUps
        }
        #expect(statements.count > 12)
        try await withTemporaryStore { store in
            for (statement, plan) in try await plans(of: statements, store) {
                #expect(
                    !plan.contains { $0.contains("TEMP B-TREE") }, "\(statement)\n\(plan.joined(separator: "\n"))")
            }
        }
    }

    @Test func `a claim seeks its channel, priority and due time in the index of waiting jobs`() async throws {
        try await withTemporaryStore { store in
            let plan = try await plans(of: [Statements.dueJobs], store)[0].plan
            #expect(plan.contains("SEARCH j USING INDEX jobs_waiting (channel_id=? AND priority=? AND due_at<?)"))
            let due = try await plans(of: [Statements.allDue], store)[0].plan
            #expect(due.contains { $0.contains("jobs_waiting (channel_id>?)") })
            #expect(due.filter { $0.contains("jobs_waiting (channel_id=? AND priority=?)") }.count == 3)
        }
    }

    private func plans(of statements: [String], _ store: SQLiteStore) async throws -> [(statement: String, plan: [String])] {
        try await store.read { database in
            try statements.map { statement in
                // Arguments do not change the plan: without STAT4 samples SQLite does not look at them.
                let explain = try database.makeStatement(sql: "EXPLAIN QUERY PLAN \(statement)")
                explain.setUncheckedArguments([])
                return (statement, try Row.fetchAll(explain).map { $0["detail"] as String })
            }
        }
    }

    /// The distinct statements that read or write rows.
    private func statementsOfAllPromises() async throws -> [String] {
        let seen = Recorder()
        var options = SQLiteOptions()
        options.onStatement = { seen.add($0) }
        let promises =
            MessageStorePromises.all + DeadLetterPromises.all + DispatchQueuePromises.all + SettlementPromises.all
            + AcknowledgementPromises.all + ReconciliationPromises.all + DirectoryPromises.all + MaintenancePromises.all
        for promise in promises {
            try await withTemporaryPath { path in
                let store = try await SQLiteStore.open(path: path, options: options)
                try await promise.check(try await StoreFixture(store))
                try await store.close()
            }
        }
        for promise in InboxPromises.all {
            try await withTemporaryPath { path in
                let store = try await SQLiteStore.open(path: path, options: options)
                try await promise.check(store)
                try await store.close()
            }
        }
        return seen.statements.filter { statement in
            ["SELECT", "INSERT", "UPDATE", "DELETE", "WITH"].contains { statement.hasPrefix($0) }
                && !statement.contains("sqlite_")
        }
    }

    private final class Recorder: Sendable {
        private let seen = Mutex<Set<String>>([])
        func add(_ statement: String) { seen.withLock { _ = $0.insert(statement) } }
        var statements: [String] { seen.withLock { $0.sorted() } }
    }
}
