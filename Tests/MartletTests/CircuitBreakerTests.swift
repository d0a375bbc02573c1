import Martlet
import Testing

@Suite struct CircuitBreakerTests {
    private let start = MonotonicInstant(nanoseconds: 0)
    private func message(_ number: Int) -> MessageID { MessageID(unchecked: "msg_\(number)") }

    private func opened() -> CircuitBreaker {
        var breaker = CircuitBreaker()
        for index in 0..<10 { _ = breaker.failed(message(index), now: start) }
        return breaker
    }

    @Test func `ten failures in a row over five messages open it`() {
        var breaker = CircuitBreaker()
        for index in 0..<9 { expect(!breaker.failed(message(index % 5), now: start)) }
        expect(breaker.failed(message(4), now: start))
        #expect(breaker.allowance(now: start) == .nothing(until: start + .seconds(5)))
    }

    @Test func `one message alone never opens it`() {
        var breaker = CircuitBreaker()
        for _ in 0..<100 { expect(!breaker.failed(message(1), now: start)) }
        #expect(breaker.allowance(now: start) == .all)
    }

    @Test func `a success in between starts the count again`() {
        var breaker = CircuitBreaker()
        for index in 0..<9 { _ = breaker.failed(message(index), now: start) }
        expect(!breaker.succeeded())
        expect(!breaker.failed(message(9), now: start))
        #expect(breaker.isClosed)
    }

    @Test func `probes go after 5 seconds, doubling to 60`() {
        var breaker = opened()
        var now = start
        for expected in [5, 10, 20, 40, 60, 60] {
            #expect(breaker.allowance(now: now + .seconds(expected) - .microseconds(1)) != .probe)
            now = now + .seconds(expected)
            #expect(breaker.allowance(now: now) == .probe)
            breaker.probed()
            #expect(breaker.allowance(now: now) == .nothing(until: nil))
            expect(!breaker.failed(message(1), now: now))
        }
    }

    @Test func `a probe that succeeds closes it`() {
        var breaker = opened()
        breaker.probed()
        expect(breaker.succeeded())
        #expect(breaker.allowance(now: start) == .all)
    }

    @Test func `a failure from before it opened does not move the probe`() {
        var breaker = opened()
        _ = breaker.failed(message(3), now: start + .seconds(4))
        #expect(breaker.allowance(now: start + .seconds(5)) == .probe)
    }

    @Test func `a probe that could not be made is made when it can`() {
        var breaker = opened()
        breaker.probed()
        breaker.probeSkipped(now: start + .seconds(6))
        #expect(breaker.allowance(now: start + .seconds(6)) == .probe)
    }
}

/// `#expect` cannot take a mutating call itself.
private func expect(_ isTrue: Bool, sourceLocation: SourceLocation = #_sourceLocation) {
    #expect(isTrue, sourceLocation: sourceLocation)
}

extension MonotonicInstant {
    fileprivate static func - (left: Self, right: Duration) -> Self { left + (.zero - right) }
}
