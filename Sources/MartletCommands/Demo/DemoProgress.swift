import MartletClient

/// What the demonstration has seen so far: each message's status, and how fast things go.
struct DemoProgress: Sendable {
    /// The statuses in the order a message goes through them.
    static let statuses = ["queued", "sent", "delivered", "read", "failed"]

    /// Messages that were accepted.
    private(set) var accepted = 0
    /// Each message's status.
    private var statusByID: [String: String] = [:]
    /// Why failed messages failed.
    private(set) var reasons: [String] = []
    /// From acceptance to delivery, as seen from outside.
    private(set) var latency = Histogram()
    private var acceptedAt: [String: Duration] = [:]
    /// Messages the provider took, in each half second.
    private(set) var sentPerHalfSecond: [Int] = []
    private var sentBefore = 0

    init() {}

    /// A message was accepted, that long after the beginning.
    mutating func accept(_ id: String, at elapsed: Duration) {
        accepted += 1
        acceptedAt[id] = elapsed
        statusByID[id] = statusByID[id] ?? "queued"
    }

    /// A message has that status now. News that comes late changes nothing.
    mutating func see(_ message: MessageRecord, at elapsed: Duration) {
        let known = statusByID[message.id]
        guard Self.rank(message.status) > known.map(Self.rank) ?? -1 else { return }
        statusByID[message.id] = message.status
        let isNewlyDelivered = ["delivered", "read"].contains(message.status) && known != "delivered"
        if isNewlyDelivered, let start = acceptedAt[message.id] { latency.record(elapsed - start) }
        if message.status == "failed" { reasons.append(message.errorReason ?? "unknown") }
    }

    /// Half a second has passed; so many messages were taken by the provider in all.
    mutating func tick(sentInAll: Int) {
        sentPerHalfSecond.append(max(0, sentInAll - sentBefore))
        sentBefore = sentInAll
    }

    /// Messages by status.
    var counts: [String: Int] {
        statusByID.values.reduce(into: [:]) { $0[$1, default: 0] += 1 }
    }

    /// Whether every message that was accepted has a final status.
    var isFinal: Bool { accepted > 0 && final == accepted }
    /// Whether nothing more can come, not even a read receipt.
    var isOver: Bool { accepted > 0 && count("read") + count("failed") == accepted }
    /// Messages with a final status.
    var final: Int { count("delivered") + count("read") + count("failed") }

    /// Messages the provider took in the last second.
    var rate: Int { sentPerHalfSecond.suffix(2).reduce(0, +) }

    func count(_ status: String) -> Int { statusByID.values.reduce(0) { $0 + ($1 == status ? 1 : 0) } }

    private static func rank(_ status: String) -> Int { statuses.firstIndex(of: status) ?? 0 }
}
