import Testing

@testable import MartletSandbox

@Suite struct SlidingWindowTests {
    private let second: Int64 = 1_000_000_000

    @Test func `never lets more through in any window than the limits allow, and never less than they could`() {
        let limits = [SandboxLimit(count: 5, per: .seconds(1)), SandboxLimit(count: 12, per: .seconds(4))]
        var random = SplitMix64(seed: 42)
        var window = SlidingWindow(capacity: 12)
        var accepted: [Int64] = []
        var now: Int64 = 0
        var refused = 0
        for _ in 0..<5000 {
            now += Int64.random(in: 0...second / 4, using: &random)
            // The same question, answered by counting.
            let isWithin = limits.allSatisfy { limit in
                accepted.count { $0 > now - limit.periodNanoseconds } < limit.count
            }
            let refusal = window.refusal(under: limits, at: now)
            #expect((refusal == nil) == isWithin)
            if let refusal {
                refused += 1
                // At the end of the wait it is within that limit, and a nanosecond before it is not.
                let end = now + refusal.waitNanoseconds
                #expect(window.refusal(under: limits, at: end) == nil)
                #expect(window.refusal(under: limits, at: end - 1) != nil)
            } else {
                window.count(at: now)
                accepted.append(now)
            }
        }
        #expect(refused > 100 && accepted.count > 100)
    }

    @Test func `tells what is left and when the window is free again`() {
        let limits = [SandboxLimit(count: 3, per: .seconds(10))]
        var window = SlidingWindow(capacity: 3)
        #expect(window.reading(under: limits, at: 0) == .init(limit: 3, remaining: 3, resetNanoseconds: 0))
        window.count(at: 0)
        window.count(at: 4 * second)
        let reading = window.reading(under: limits, at: 5 * second)
        #expect(reading == .init(limit: 3, remaining: 1, resetNanoseconds: 5 * second))
        let later = window.reading(under: limits, at: 10 * second)
        #expect(later == .init(limit: 3, remaining: 2, resetNanoseconds: 4 * second))
    }

    @Test func `reads the limit of which least is left`() {
        let limits = [SandboxLimit(count: 100, per: .seconds(60)), SandboxLimit(count: 2, per: .seconds(1))]
        var window = SlidingWindow(capacity: 100)
        window.count(at: 0)
        #expect(window.reading(under: limits, at: 1).limit == 2)
    }

    @Test func `finds the highest count in any second`() {
        var record = RateRecord()
        for moment in [0, 400, 800, 1000, 1300, 1799, 1800, 5000] as [Int64] { record.count(at: moment * 1_000_000) }
        // After 800 ms, up to and with 1799 ms, there are 1000, 1300, 1799 and 800 itself.
        #expect(record.highest == 4)
    }
}
