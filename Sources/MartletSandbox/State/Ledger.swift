/// Every accepted send in order, up to a capacity; then the oldest are forgotten, a few thousand at a time.
///
/// A message's number is the number of the first one plus its place, so that a look-up is an index.
struct Ledger: Sendable {
    private static let chunkCapacity = 4096

    private let capacity: Int
    private let firstMessageID: Int
    private var chunks: [[LedgerEntry]] = []
    /// The place of the oldest entry that is still held.
    private var firstHeldSequence: Int
    /// The place the next entry takes.
    private(set) var nextSequence: Int
    /// How many entries were forgotten for want of room.
    private(set) var forgotten = 0
    /// The bodies that are held, to find repetitions.
    private var fingerprints: Set<Int> = []
    /// The place of the first entry since the start or the last reset.
    private let base: Int

    /// - Parameters:
    ///   - capacity: how many entries are held at most, give or take a chunk.
    ///   - firstMessageID: the number of the first message of all.
    ///   - precedingEntries: how many messages were numbered before a reset; their numbers are not used again.
    init(capacity: Int, firstMessageID: Int, precedingEntries: Int = 0) {
        self.capacity = max(1, capacity)
        self.firstMessageID = firstMessageID
        base = precedingEntries
        firstHeldSequence = 1
        nextSequence = 1
    }

    /// How many entries are held.
    var count: Int { nextSequence - firstHeldSequence }

    /// The number the next message gets.
    var nextMessageID: Int { firstMessageID + base + nextSequence - 1 }

    /// How many messages were ever numbered, those before a reset included.
    var numbered: Int { base + nextSequence - 1 }

    /// Appends an entry that was made with ``nextSequence`` and ``nextMessageID``.
    ///
    /// - Returns: whether an entry with the same body is already held.
    mutating func append(_ entry: LedgerEntry) -> Bool {
        precondition(entry.sequence == nextSequence && entry.messageID == nextMessageID, "the ledger has no gaps")
        if chunks.last.map({ $0.count == Self.chunkCapacity }) ?? true {
            var chunk: [LedgerEntry] = []
            chunk.reserveCapacity(Self.chunkCapacity)
            chunks.append(chunk)
        }
        chunks[chunks.count - 1].append(entry)
        nextSequence += 1
        let isRepetition = !fingerprints.insert(entry.fingerprint).inserted
        if count > capacity, chunks.count > 1 { forgetOldestChunk() }
        return isRepetition
    }

    /// The entry of a message; `nil` when it never was, or is forgotten.
    func entry(ofMessage messageID: Int) -> LedgerEntry? {
        position(ofMessage: messageID).map { chunks[$0.chunk][$0.index] }
    }

    /// Changes the entry of a message in place.
    ///
    /// - Returns: what the change returns; `nil` when there is no such message.
    mutating func update<Result>(message messageID: Int, _ change: (inout LedgerEntry) -> Result) -> Result? {
        guard let position = position(ofMessage: messageID) else { return nil }
        return change(&chunks[position.chunk][position.index])
    }

    /// The entries after a place, oldest first.
    ///
    /// - Parameters:
    ///   - sequence: the last place that is not wanted.
    ///   - limit: how many at most.
    func entries(after sequence: Int, limit: Int) -> [LedgerEntry] {
        var offset = max(0, min(sequence, nextSequence - 1) + 1 - firstHeldSequence)
        var entries: [LedgerEntry] = []
        while entries.count < limit, offset < count {
            let chunk = chunks[offset / Self.chunkCapacity]
            let start = offset % Self.chunkCapacity
            let end = start + min(chunk.count - start, limit - entries.count)
            entries.append(contentsOf: chunk[start..<end])
            offset += end - start
        }
        return entries
    }

    private func position(ofMessage messageID: Int) -> (chunk: Int, index: Int)? {
        let (sequence, overflow) = messageID.subtractingReportingOverflow(firstMessageID + base - 1)
        guard !overflow, sequence >= firstHeldSequence, sequence < nextSequence else { return nil }
        let offset = sequence - firstHeldSequence
        return (offset / Self.chunkCapacity, offset % Self.chunkCapacity)
    }

    private mutating func forgetOldestChunk() {
        let chunk = chunks.removeFirst()
        for entry in chunk { fingerprints.remove(entry.fingerprint) }
        firstHeldSequence += chunk.count
        forgotten += chunk.count
    }
}
