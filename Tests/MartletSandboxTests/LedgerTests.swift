import Testing

@testable import MartletSandbox

@Suite struct LedgerTests {
    private func entry(of ledger: Ledger, fingerprint: Int = 0) -> LedgerEntry {
        LedgerEntry(
            sequence: ledger.nextSequence,
            receivedAt: SandboxInstant(nanoseconds: Int64(ledger.nextSequence), wallMicroseconds: 0), key: "key",
            to: "+12025550123", text: "Hello", body: Array("{}".utf8), messageID: ledger.nextMessageID,
            outcome: .accepted, session: 1, kind: .text, fingerprint: fingerprint, course: .full, courseStart: 0)
    }

    @Test func `gives back what was entered, in order, from any place on`() {
        var ledger = Ledger(capacity: 100_000, firstMessageID: 501)
        for number in 0..<10_000 { _ = ledger.append(entry(of: ledger, fingerprint: number)) }
        #expect(ledger.entries(after: 0, limit: .max).map(\.sequence) == Array(1...10_000))
        #expect(ledger.entries(after: 4090, limit: 10).map(\.sequence) == Array(4091...4100))
        #expect(ledger.entries(after: 9990, limit: .max).count == 10)
        #expect(ledger.entries(after: 10_000, limit: 10).isEmpty)
        #expect(ledger.entries(after: .max, limit: 10).isEmpty)
        #expect(ledger.entry(ofMessage: 501)?.sequence == 1)
        #expect(ledger.entry(ofMessage: 10_500)?.sequence == 10_000)
        #expect(ledger.entry(ofMessage: 500) == nil)
        #expect(ledger.entry(ofMessage: 10_501) == nil)
        #expect(ledger.entry(ofMessage: .min) == nil)
    }

    @Test func `tells repetitions`() {
        var ledger = Ledger(capacity: 100, firstMessageID: 1)
        let repetitions = [1, 2, 1, 1, 3].map { ledger.append(entry(of: ledger, fingerprint: $0)) }
        #expect(repetitions == [false, false, true, true, false])
    }

    @Test func `forgets the oldest when it is full, and no others`() {
        var ledger = Ledger(capacity: 5000, firstMessageID: 1)
        for number in 0..<20_000 { _ = ledger.append(entry(of: ledger, fingerprint: number)) }
        #expect(ledger.count <= 5000 && ledger.count > 800)
        #expect(ledger.count + ledger.forgotten == 20_000)
        #expect(ledger.entry(ofMessage: 1) == nil)
        #expect(ledger.entry(ofMessage: 20_000)?.sequence == 20_000)
        let held = ledger.entries(after: 0, limit: .max).map(\.sequence)
        #expect(held == Array((ledger.forgotten + 1)...20_000))
    }

    @Test func `does not use numbers again after a reset`() {
        var ledger = Ledger(capacity: 10, firstMessageID: 100)
        for _ in 0..<3 { _ = ledger.append(entry(of: ledger)) }
        var next = Ledger(capacity: 10, firstMessageID: 100, precedingEntries: ledger.numbered)
        #expect(next.nextMessageID == 103)
        #expect(next.nextSequence == 1)
        _ = next.append(entry(of: next))
        #expect(next.entry(ofMessage: 103)?.sequence == 1)
        #expect(next.entry(ofMessage: 100) == nil)
    }
}
