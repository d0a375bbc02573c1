import EngineConformance
import Foundation
import Martlet
import SQLiteEngine
import Testing

/// Rough figures, printed; run with `MARTLET_BENCH=1`. A debug build tells ratios, not rates.
@Suite(.enabled(if: ProcessInfo.processInfo.environment["MARTLET_BENCH"] == "1"), .serialized)
struct StoreBenchmarks {
    @Test(arguments: [1, 100, 500])
    func `accept, claim and settle`(batch: Int) async throws {
        try await withTemporaryStore { store in
            let fixture = try await StoreFixture(store)
            let rounds = batch == 1 ? 1000 : 10_000 / batch
            let clock = ContinuousClock()
            let accepting = try await clock.measure {
                for _ in 0..<rounds {
                    _ = try await store.accept(
                        (0..<batch).map { _ in AcceptanceRequest(message: fixture.message(), idempotency: nil) },
                        now: StoreFixture.start)
                }
            }
            var claiming = Duration.zero
            var settling = Duration.zero
            for _ in 0..<rounds {
                var claims: [Claim] = []
                claiming += try await clock.measure {
                    claims = try await fixture.claim(limit: batch, at: 1).claims
                }
                let settlements = claims.map { claim in
                    Settlement(
                        message: claim.message.id, token: claim.token, attempt: 1,
                        report: fixture.report(.accepted(submissionID: "s", messageID: nil), at: 1),
                        disposition: .sent(submissionID: "s", messageID: nil, lookUpAt: StoreFixture.at(5)))
                }
                settling += try await clock.measure {
                    _ = try await store.settle(settlements, now: StoreFixture.at(2))
                }
            }
            let messages = Double(rounds * batch)
            print(
                "batch \(batch): accept \(Int(messages / accepting.seconds))/s,",
                "claim \(Int(messages / claiming.seconds))/s, settle \(Int(messages / settling.seconds))/s")
        }
    }

    @Test func `single accepts from many tasks at once`() async throws {
        try await withTemporaryStore { store in
            let fixture = try await StoreFixture(store)
            let elapsed = try await ContinuousClock().measure {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for _ in 0..<64 {
                        group.addTask { for _ in 0..<100 { try await fixture.accept(fixture.message()) } }
                    }
                    try await group.waitForAll()
                }
            }
            let statistics = store.commitQueue.statistics
            print("64 tasks: \(Int(6400 / elapsed.seconds))/s in \(statistics.commits) commits")
        }
    }
}
