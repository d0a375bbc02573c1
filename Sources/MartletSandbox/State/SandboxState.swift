/// Everything the sandbox knows, and every decision it takes.
///
/// It performs nothing: events to post and timers to set are gathered and taken out by ``takeWork()`` after each call.
/// Time comes in as an argument, chance from a seed, so that the same calls give the same result.
struct SandboxState: Sendable {
    /// Events to post and timers to set, in order.
    struct Work: Sendable {
        var events: [AddressedEvent] = []
        var timers: [SandboxTimer] = []
        /// Faults that ended; requests they hold are let go.
        var endedFaults: [Int] = []
    }

    /// How many sessions there may be.
    static let sessionCapacity = 100_000

    let configuration: SandboxConfiguration
    /// What message ids are derived from.
    let seed: UInt64
    var random: SplitMix64
    /// Raised by a reset; timers of an older generation are void.
    private(set) var generation = 0

    var ledger: Ledger
    var faults = FaultBoard()
    /// By id.
    var sessions: [Int: SandboxSession] = [:]
    /// Session ids by API key.
    var sessionOfKey: [String: Int] = [:]
    /// Keys that were replaced or whose session was deleted.
    var retiredKeys: Set<String> = []
    var nextSessionID = 1
    var nextLogID = 1
    var counts = SandboxStatistics()
    /// Gathered by the present call.
    var work = Work()

    private let firstMessageID: Int

    /// - Parameters:
    ///   - configuration: how to behave.
    ///   - now: the moment of the start.
    init(configuration: SandboxConfiguration, at now: SandboxInstant) {
        self.configuration = configuration
        seed = configuration.seed ?? UInt64.random(in: .min ... .max)
        random = SplitMix64(seed: seed)
        // Ten thousand numbers a second since 2025: ids of a sandbox that is started again go on above the old ones,
        // unless more sends a second than that were made all the time. Stays below 2^53, which JavaScript can count to.
        firstMessageID = configuration.firstMessageID ?? Int(max(0, now.wallSeconds - 1_735_689_600)) * 10_000 + 1
        ledger = Ledger(capacity: configuration.ledgerCapacity, firstMessageID: firstMessageID)
    }

    /// What is to be done after a call. Empties the list.
    mutating func takeWork() -> Work {
        defer { work = Work() }
        return work
    }

    /// Forgets sends, sessions, faults and statistics. Message ids go on where they were.
    mutating func reset() {
        work.endedFaults = faults.end().map(\.id)
        generation += 1
        ledger = Ledger(
            capacity: configuration.ledgerCapacity, firstMessageID: firstMessageID, precedingEntries: ledger.numbered)
        sessions = [:]
        sessionOfKey = [:]
        retiredKeys = []
        counts = SandboxStatistics()
    }

    /// The counters, those of the webhooks' delivery left at zero.
    func statistics() -> SandboxStatistics {
        var statistics = counts
        statistics.forgotten = ledger.forgotten
        for session in sessions.values {
            statistics.highestInAnySecond = max(statistics.highestInAnySecond, session.record.highest)
            statistics.keys[session.apiKey] = SandboxStatistics.Key(
                accepted: session.accepted, refusedByLimit: session.refusedByLimit,
                highestInAnySecond: session.record.highest)
        }
        return statistics
    }

    /// WhatsApp's id of a message, `3EB0` and sixteen hexadecimal digits. Computed, not stored.
    func keyID(ofMessage messageID: Int) -> String {
        let digits = String(SplitMix64.mix(seed &+ UInt64(messageID)), radix: 16, uppercase: true)
        return "3EB0" + String(repeating: "0", count: 16 - digits.count) + digits
    }

    /// Notes a timer of the present generation.
    mutating func setTimer(_ purpose: SandboxTimer.Purpose, at due: Int64) {
        work.timers.append(SandboxTimer(purpose: purpose, due: due, generation: generation))
    }
}
