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
        "idempotency_keys", "inbox", "claim_history", "recipient_pace", "replays",
    ]

    /// Walks of a table from its oldest row on that stop at their limit.
    private static let boundedWalks = [
        "FROM inbox\nWHERE lease_until <= ? ORDER BY sequence LIMIT ?",
        "SELECT received_at FROM inbox ORDER BY sequence LIMIT 1",
        "SELECT seq, parked_at FROM parked_acknowledgements ORDER BY seq LIMIT ?2",
    ]

    /// Statements whose rows must come out of the index in order.
    private static let ordered: Set<String> = [
        Statements.dueJobs, Statements.expiredJobs, Statements.claimedJobs, Statements.undecidedJobs,
        Statements.dueLookUps,
    ]

    @Test func `no statement walks a table that grows, and no list or claim is sorted`() async throws {
        let statements = try await statementsOfAllPromises()
        #expect(statements.count > 80)
        #expect(Self.ordered.isSubset(of: statements))
        try await withTemporaryStore { store in
            for (statement, plan) in try await plans(of: statements, store) {
                let explained = Comment(rawValue: "\(statement)\n\(plan.joined(separator: "\n"))")
                let walks = plan.filter { line in
                    let words = line.split(separator: " ")
                    return words.first == "SCAN" && Self.large.contains(String(words.dropFirst().first ?? ""))
                }
                #expect(walks.isEmpty || Self.boundedWalks.contains { statement.contains($0) }, explained)
                // The few messages that share a provider's id are sorted; nothing else in a list is.
                let isList = statement.contains("ORDER BY l.created_at") && !statement.contains("l.seq IN")
                if isList || Self.ordered.contains(statement) {
                    #expect(!plan.contains { $0.contains("TEMP B-TREE") }, explained)
                }
            }
        }
    }

    @Test(arguments: [
        Filter("nothing", "log_tenant (tenant_id=?)") { _ in },
        Filter("recipient", "log_recipient (recipient=? AND tenant_id=?)") {
            $0.recipient = PhoneNumber(unchecked: "+14155550001")
        },
        Filter("status", "log_status (tenant_id=? AND status=?)") { $0.status = .sent },
        Filter("channel", "log_channel (channel_id=?)") { $0.channel = ChannelID(unchecked: "chn_1") },
        Filter("dead letters", "log_dead_letters (tenant_id=?)") { $0.deadLetteredOnly = true },
        Filter("message or submission id", "INTEGER PRIMARY KEY (rowid=?)") { $0.providerMessageID = "m-1" },
        Filter("time", "log_tenant (tenant_id=? AND created_at>? AND created_at<?)") {
            $0.since = StoreFixture.start
            $0.until = StoreFixture.start
        },
        Filter("recipient and time", "log_recipient (recipient=? AND tenant_id=? AND created_at>?)") {
            $0.recipient = PhoneNumber(unchecked: "+14155550001")
            $0.since = StoreFixture.start
        },
    ])
    fileprivate func `a list seeks in the index of its filter`(_ filter: Filter) async throws {
        let seen = Recorder()
        var options = SQLiteOptions()
        options.onStatement = { seen.add($0) }
        try await withTemporaryStore(options: options) { store in
            var query = MessageQuery(tenant: TenantID(unchecked: "ten_1"))
            filter.apply(&query)
            _ = try await store.messages(query)
            let statement = try #require(seen.statements.first { $0.contains("ORDER BY l.created_at DESC") })
            let plan = try await plans(of: [statement], store)[0].plan
            #expect(plan[0].hasPrefix("SEARCH l USING") && plan[0].hasSuffix(filter.index), "\(plan)")
        }
    }

    fileprivate struct Filter: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let index: String
        let apply: @Sendable (inout MessageQuery) -> Void

        init(_ description: String, _ index: String, apply: @escaping @Sendable (inout MessageQuery) -> Void) {
            testDescription = description
            self.index = index
            self.apply = apply
        }
    }

    @Test(arguments: [
        ReplayCase("everything", "log_dead_letters (tenant_id=? AND created_at>? AND created_at<?)") { _ in },
        ReplayCase("one channel", "log_dead_letters_channel (channel_id=? AND created_at>? AND created_at<?)") {
            $0.channel = ChannelID(unchecked: "chn_1")
        },
        ReplayCase("one recipient", "log_recipient (recipient=? AND tenant_id=? AND created_at>? AND created_at<?)") {
            $0.recipient = PhoneNumber(unchecked: "+14155550001")
        },
        ReplayCase("one provider's id", "INTEGER PRIMARY KEY (rowid=?)") { $0.providerMessageID = "m-1" },
    ])
    fileprivate func `a portion of a bulk replay seeks behind the cursor`(_ replay: ReplayCase) async throws {
        let seen = Recorder()
        var options = SQLiteOptions()
        options.onStatement = { seen.add($0) }
        try await withTemporaryStore(options: options) { store in
            let fixture = try await StoreFixture(store)
            let letter = try await fixture.fail(fixture.message())
            var filter = DeadLetterFilter()
            filter.until = StoreFixture.at(100)
            filter.reason = "rejected"
            replay.apply(&filter)
            let job = ReplayJob(
                id: fixture.ids.next(), tenantID: fixture.tenant, filter: filter, matched: 1,
                createdAt: StoreFixture.at(10))
            _ = try await store.insert(job, runningMax: 1)
            _ = try await store.claimReplayJobs(
                worker: "w", now: StoreFixture.at(10), leaseUntil: StoreFixture.at(40), takingOver: false)
            let step = ReplayStep(
                job: job.id, worker: "w", cursor: nil, items: [.init(message: letter.id, decision: .skip)],
                isLast: false, leaseUntil: StoreFixture.at(40))
            _ = try await store.advance(step, now: StoreFixture.at(11))
            _ = try await store.deadLetters(of: job, limit: 10)
            let statement = try #require(seen.statements.first { $0.contains("ORDER BY l.created_at, l.seq LIMIT") })
            let plan = try await plans(of: [statement], store)[0].plan
            #expect(plan[0].hasPrefix("SEARCH l USING") && plan[0].hasSuffix(replay.index), "\(plan)")
        }
    }

    fileprivate struct ReplayCase: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let index: String
        let apply: @Sendable (inout DeadLetterFilter) -> Void

        init(_ description: String, _ index: String, apply: @escaping @Sendable (inout DeadLetterFilter) -> Void) {
            testDescription = description
            self.index = index
            self.apply = apply
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

    private func plans(of statements: [String], _ store: SQLiteStore) async throws -> [(
        statement: String, plan: [String]
    )] {
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
            + AcknowledgementPromises.all + ReconciliationPromises.all + ReplayPromises.all
            + DirectoryPromises.all + MaintenancePromises.all
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
