import AsyncHTTPClient
import MartletClient
import Synchronization

/// Offers messages to a server at a fixed rate, whatever the server does (an open loop): a server that slows down does not
/// slow the offer, and its slowness shows in the latencies, which count from when a request was due to be made.
struct LoadGenerator: Sendable {
    /// What came of the offer.
    struct Outcome: Sendable {
        var accepted = 0
        /// Refusals by HTTP status; 0 stands for no answer at all.
        var refused: [Int: Int] = [:]
        /// From when a request was due to its answer.
        var latency = Histogram()
        /// Requests that were made late because all connections were busy.
        var late = 0
        /// From the first due time to the last answer.
        var elapsed: Duration = .zero

        mutating func merge(_ other: Outcome) {
            accepted += other.accepted
            refused.merge(other.refused, uniquingKeysWith: +)
            latency.merge(other.latency)
            late += other.late
            elapsed = max(elapsed, other.elapsed)
        }
    }

    /// Requests a second.
    var rate: Double
    /// Requests in all.
    var count: Int
    /// Requests under way at once, at most.
    var connections: Int
    /// Messages in one request.
    var batch: Int
    /// The message of that number.
    var message: @Sendable (Int) -> MessageRequest

    /// How late a request may be made and still count as in time.
    private static let lateness: Duration = .milliseconds(5)

    /// Makes all requests; returns when the last is answered.
    func run(_ client: MartletClient) async throws -> Outcome {
        let numbers = NumberSequence()
        let clock = ContinuousClock()
        let start = clock.now
        return try await withThrowingTaskGroup(of: Outcome.self) { group in
            for _ in 0..<connections {
                group.addTask { [self] in
                    var outcome = Outcome()
                    while true {
                        let index = numbers.next()
                        guard index < count else { return outcome }
                        let due = start + .seconds(Double(index) / rate)
                        try await Task.sleep(until: due, tolerance: .zero, clock: clock)
                        if clock.now - due > Self.lateness { outcome.late += 1 }
                        await offer(index, to: client, &outcome)
                        let answered = clock.now
                        outcome.latency.record(answered - due)
                        outcome.elapsed = answered - start
                    }
                }
            }
            var total = Outcome()
            for try await outcome in group { total.merge(outcome) }
            return total
        }
    }

    private func offer(_ index: Int, to client: MartletClient, _ outcome: inout Outcome) async {
        do throws(ClientError) {
            if batch == 1 {
                _ = try await client.send(message(index))
                outcome.accepted += 1
            } else {
                let results = try await client.send((0..<batch).map { message(index * batch + $0) })
                for result in results {
                    if (200...299).contains(result.status) {
                        outcome.accepted += 1
                    } else {
                        outcome.refused[result.status, default: 0] += 1
                    }
                }
            }
        } catch {
            outcome.refused[error.status ?? 0, default: 0] += batch
        }
    }
}

/// Numbers from 0 on, each given out once.
private final class NumberSequence: Sendable {
    private let value = Atomic<Int>(0)

    func next() -> Int { value.add(1, ordering: .relaxed).oldValue }
}
