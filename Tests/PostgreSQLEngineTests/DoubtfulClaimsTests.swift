#if PostgreSQL
    import EngineConformance
    import Martlet
    import Testing

    @testable import PostgreSQLEngine

    @Suite(.timeLimit(.minutes(5))) struct DoubtfulClaimsTests {
        @Test func `claims that were stored though their call failed are claimed again`() async throws {
            try await withTemporaryStore { store in
                let fixture = try await StoreFixture(store)
                for _ in 0..<3 { try await fixture.accept(fixture.message()) }
                let lost = try await fixture.claim(limit: 2, at: 1).claims
                store.doubt(DoubtfulClaims(worker: "worker-1", at: StoreFixture.at(1), channels: [fixture.channel]))
                let again = try await fixture.claim(at: 2).claims
                #expect(again.count == 3)
                for claim in lost {
                    let newer = try #require(again.first { $0.message.id == claim.message.id })
                    #expect(newer.token > claim.token)
                    #expect(newer.attempt == 1)
                }
                #expect(try await fixture.claim(at: 3).claims.isEmpty)
            }
        }
    }
#endif
