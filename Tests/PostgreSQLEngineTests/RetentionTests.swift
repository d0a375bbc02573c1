#if PostgreSQL
    import EngineConformance
    import Martlet
    import Testing

    @testable import PostgreSQLEngine

    @Suite(.timeLimit(.minutes(5))) struct RetentionTests {
        private static let later = 30.0 * 86_400

        @Test func `a week with much to remove is emptied at once, and what is not final stays`() async throws {
            try await withTemporaryStore(options: testOptions { $0.rowsWorthEmptying = 20 }) { store in
                let fixture = try await StoreFixture(store)
                for index in 0..<30 { try await fixture.fail(fixture.message(text: "\(index)")) }
                let sent = try await fixture.send(fixture.message(), messageID: "m-1")
                let timeline = try await store.timeline(sent.id)
                #expect(try await store.removeFinal(createdBefore: StoreFixture.at(Self.later), limit: 10) == 30)
                #expect(try await fixture.stored(sent.id) == sent)
                #expect(try await store.timeline(sent.id) == timeline)
                #expect(try await fixture.acknowledge("m-1", .device).map(\.status) == [.delivered])
                #expect(try await fixture.counts() == [.delivered: 1])
                #expect(try await store.statistics(tenant: fixture.tenant, now: StoreFixture.start).deadLetters == 0)
            }
        }

        @Test func `a week in which nothing is left goes, and comes back when it is needed`() async throws {
            try await withTemporaryStore { store in
                let fixture = try await StoreFixture(store)
                let week = Partitions.week(of: StoreFixture.start)
                let first = try await fixture.fail(fixture.message())
                #expect(try await tables(store).contains(Partitions.table("communications_log", week)))
                #expect(try await store.removeFinal(createdBefore: StoreFixture.at(Self.later), limit: 10) == 1)
                #expect(try await !tables(store).contains(Partitions.table("communications_log", week)))
                #expect(try await !tables(store).contains(Partitions.table("events", week)))
                #expect(try await store.message(first.id, tenant: nil) == nil)
                let second = try await fixture.accept(fixture.message())
                #expect(try await fixture.stored(second.id) == second)
            }
        }

        @Test func `this week's messages stay, whatever is asked for`() async throws {
            try await withTemporaryStore { store in
                let fixture = try await StoreFixture(store)
                let failed = try await fixture.fail(fixture.message())
                #expect(try await store.removeFinal(createdBefore: StoreFixture.at(60), limit: 10) == 0)
                #expect(try await fixture.stored(failed.id) == failed)
            }
        }

        @Test func `maintenance makes the partitions of the weeks to come`() async throws {
            try await withTemporaryStore { store in
                let ahead = SystemTimeSource().now() + .seconds(90 * 86_400)
                _ = try await store.purge(now: ahead, limit: 10)
                for week in Partitions.weeks(around: ahead) {
                    #expect(try await tables(store).contains(Partitions.table("events", week)))
                }
            }
        }

        @Test(arguments: [0, 1, 1000, 2965, 2966, 4000] as [Partitions.Week])
        func `a week's name, bounds and time belong together`(_ week: Partitions.Week) throws {
            #expect(Partitions.week(ofTable: Partitions.table("communications_log", week)) == week)
            #expect(Partitions.lowerBound(week) < Partitions.lowerBound(week + 1))
            let last = Partitions.end(of: week) + .microseconds(-1)
            #expect(Partitions.week(of: last) == week)
            #expect(Partitions.week(of: Partitions.end(of: week)) == week + 1)
        }

        private func tables(_ store: PostgreSQLStore) async throws -> Set<String> {
            Set(
                try await store.read { session in
                    try session.query("SELECT tablename::text FROM pg_tables WHERE schemaname = current_schema()").map {
                        $0.next(String.self)
                    }
                })
        }
    }
#endif
