#if PostgreSQL
    import EngineConformance
    import Martlet
    import Synchronization
    import Testing

    @testable import PostgreSQLEngine

    /// Whatever the store does, it does on indexes: every statement that the promises make it run is explained by the server, with
    /// the settings of a store's session.
    @Suite(.timeLimit(.minutes(10))) struct QueryPlanTests {
        /// Tables that grow with traffic.
        private static let large = [
            "communications_log", "events", "jobs", "lookups", "parked_acknowledgements", "provider_ids",
            "idempotency_keys", "inbox", "claim_history", "recipient_pace", "outbox",
        ]

        /// Walks along an index that stop at their limit, or that meet what is in flight only.
        private static let boundedWalks = [
            "FROM inbox WHERE lease_until", "FROM inbox ORDER BY sequence LIMIT 1",
            "FROM inbox_set_aside ORDER BY sequence LIMIT",
            "FROM parked_acknowledgements ORDER BY seq LIMIT", "ORDER BY channel_id LIMIT 1", "WHERE state = 1",
            "WHERE state = 2", "SELECT ctid FROM",
        ]

        @Test func `no statement walks a table that grows`() async throws {
            let statements = try await statementsOfAllPromises()
            #expect(statements.count > 80)
            try await withTemporaryStore { store in
                for statement in statements {
                    let plan = try await plan(of: statement, store)
                    let walks = Self.walks(plan)
                    #expect(
                        walks.isEmpty || Self.boundedWalks.contains { Self.words(statement).contains($0) },
                        Comment(rawValue: "\(statement)\n\(plan.joined(separator: "\n"))"))
                }
            }
        }

        @Test(arguments: [Statements.outbox, Statements.dueJobsAmong])
        func `what goes out to a broker and comes back is found by index`(_ statement: String) async throws {
            try await withTemporaryStore { store in
                let plan = try await plan(of: statement, store)
                #expect(Self.walks(plan).isEmpty, Comment(rawValue: plan.joined(separator: "\n")))
            }
        }

        @Test func `a claim takes what is due from its index, in order, without sorting`() async throws {
            try await withTemporaryStore { store in
                let plan = try await plan(of: Statements.dueJobs, store)
                #expect(
                    plan.count {
                        $0.contains("jobs_") && $0.contains("channel_id_priority_due_at") || $0.contains("jobs_waiting")
                    } == 3)
                #expect(!plan.contains { $0.contains("Sort") })
            }
        }

        /// Nodes of a plan that read a large table without a condition that its index answers.
        private static func walks(_ plan: [String]) -> [String] {
            var walks: [String] = []
            for (index, line) in plan.enumerated() {
                guard let range = line.range(of: " on "), line.contains("Scan"),
                    large.contains(where: { line[range.upperBound...].hasPrefix($0) })
                else { continue }
                if line.contains("Seq Scan") {
                    walks.append(line)
                    continue
                }
                let details = plan[(index + 1)...].prefix { !$0.contains("->") && !$0.contains("CTE ") }
                let isSought = details.contains { $0.contains("Index Cond") || $0.contains("TID Cond") }
                if !isSought { walks.append(line) }
            }
            return walks
        }

        private static func words(_ statement: String) -> String {
            statement.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        }

        private func plan(of statement: String, _ store: PostgreSQLStore) async throws -> [String] {
            try await store.read { session in
                try session.query("SET plan_cache_mode = force_generic_plan")
                let parameters = (1...30).filter { statement.contains("$\($0)") }.count
                try session.query("PREPARE explained AS \(statement)")
                let arguments = Array(repeating: "NULL", count: parameters).joined(separator: ", ")
                let lines = try session.query(
                    "EXPLAIN (COSTS OFF) EXECUTE explained\(parameters == 0 ? "" : "(\(arguments))")"
                ).map { $0.next(String.self) }
                try session.query("DEALLOCATE explained")
                return lines
            }
        }

        private final class Recorder: Sendable {
            private let seen = Mutex<Set<String>>([])
            var statements: Set<String> { seen.withLock(\.self) }
            func add(_ statement: String) { seen.withLock { _ = $0.insert(statement) } }
        }

        /// The reading and changing statements that the promises run; not those about schema, partitions and settings.
        private func statementsOfAllPromises() async throws -> Set<String> {
            let recorder = Recorder()
            let options = testOptions { $0.onStatement = { recorder.add($0) } }
            let promises =
                MessageStorePromises.all + DeadLetterPromises.all + DispatchQueuePromises.all + SettlementPromises.all
                + AcknowledgementPromises.all + ReconciliationPromises.all + ReplayPromises.all + DirectoryPromises.all
                + MaintenancePromises.all
            // One store for all: what is looked at is what runs, not what comes of it.
            try await withTemporarySchema { url in
                let store = try await PostgreSQLStore.open(url: url, options: options)
                for promise in promises {
                    try await promise.check(try await StoreFixture(store))
                    try await clear(store)
                }
                for promise in InboxPromises.all {
                    try await promise.check(store)
                    try await clear(store)
                }
                await store.close()
            }
            return recorder.statements.filter { statement in
                let isOfRows = ["SELECT", "INSERT", "UPDATE", "DELETE", "WITH"].contains { statement.hasPrefix($0) }
                let isOther = ["pg_", "martlet_schema", "communications_log_", "events_2", "kept_", "current_schema"]
                    .contains {
                        statement.contains($0)
                    }
                let isClearing = statement.hasPrefix("DELETE") && !statement.contains("WHERE")
                return isOfRows && !isOther && !isClearing
            }
        }

        private func clear(_ store: PostgreSQLStore) async throws {
            try await store.withWriter { session in
                for table in Self.large + [
                    "counters", "channels", "tenants", "api_keys", "deleted_channels", "settings", "replays",
                    "inbox_set_aside",
                ] { _ = try session.query("DELETE FROM \(table)") }
            }
        }
    }
#endif
