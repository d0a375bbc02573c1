import Martlet
import Testing

/// A broker whose queues hold nothing, and short ways to move notices through it.
///
/// A broker keeps its own time, so the promises are checked against the real clock: everything is waited for in receives
/// until it is there, up to ``patience``.
package struct BrokerFixture: Sendable {
    /// A broker that has not received yet. The engine's test closes it when the promise has been checked.
    package let broker: any JobBroker
    /// How many notices a big batch has. Fewer than 1,000 only where the server under test is too slow for that.
    package let batchSize: Int
    /// How long something may take that must happen.
    package let patience: Duration
    private let openAnother: @Sendable () async throws -> any JobBroker
    private let ids = IdentifierGenerator()
    private let time = SystemTimeSource()
    private let channel: ChannelID

    /// - parameter reopen: gives a second process's broker on the same queues; whoever asks for it closes it.
    package init(
        _ broker: any JobBroker, batchSize: Int = 1000, patience: Duration = .seconds(60),
        reopen: @escaping @Sendable () async throws -> any JobBroker
    ) {
        self.broker = broker
        self.batchSize = batchSize
        self.patience = patience
        openAnother = reopen
        channel = ids.next()
    }

    package var now: Timestamp { time.now() }

    /// Runs the body with a second process's broker on the same queues, and closes that.
    package func withAnother<Value>(_ body: (any JobBroker) async throws -> Value) async throws -> Value {
        let another = try await openAnother()
        let result: Result<Value, any Error>
        do { result = .success(try await body(another)) } catch { result = .failure(error) }
        await another.close()
        return try result.get()
    }

    /// Notices of new messages that are due so long from now; negative: since so long.
    package func notices(_ count: Int, _ priority: Priority = .normal, dueIn delay: Duration = .seconds(-1))
        -> [JobNotice]
    {
        let dueAt = now + delay
        return (0..<count).map { _ in
            JobNotice(message: ids.next(), channel: channel, priority: priority, dueAt: dueAt)
        }
    }

    /// Word of a message that failed for good, just now.
    package func deadLetter(_ reason: String = "attempts_exhausted") -> DeadLetterNotice {
        DeadLetterNotice(message: ids.next(), channel: channel, reason: reason, at: now)
    }

    package func publish(_ notices: [JobNotice]) async throws {
        try await broker.publish(notices, now: now)
    }

    /// Receives until the condition holds of all that came, or patience ends; nothing is acknowledged.
    package func receive(
        from receiver: (any JobBroker)? = nil, limit: Int = 100, until isEnough: ([DeliveredJob]) -> Bool
    ) async throws -> [DeliveredJob] {
        let end = ContinuousClock.now + patience
        var received: [DeliveredJob] = []
        while !isEnough(received), ContinuousClock.now < end {
            let some = try await (receiver ?? broker).receive(limit: limit, wait: .seconds(1))
            #expect(some.count <= limit)
            received += some
        }
        return received
    }

    /// Receives until so many came, or patience ends.
    package func receive(_ count: Int, from receiver: (any JobBroker)? = nil, limit: Int = 100) async throws
        -> [DeliveredJob]
    {
        try await receive(from: receiver, limit: limit) { $0.count >= count }
    }

    /// What comes before a notice that is published now does: whatever the queue still held, as far as the broker tells.
    /// All of it is acknowledged.
    package func drained(from receiver: any JobBroker) async throws -> [JobNotice] {
        let last = notices(1, .low)[0]
        try await receiver.publish([last], now: now)
        let received = try await receive(from: receiver) { $0.contains { $0.notice == last } }
        #expect(received.contains { $0.notice == last })
        try await receiver.acknowledge(received)
        return received.map(\.notice).filter { $0 != last }
    }
}
