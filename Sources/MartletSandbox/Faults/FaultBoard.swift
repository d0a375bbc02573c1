/// The faults that are in force, oldest first.
struct FaultBoard: Sendable {
    /// A fault in force.
    struct Entry: Sendable {
        /// Its number, never used twice.
        let id: Int
        /// What was asked for.
        let fault: SandboxFault
        /// When it ends by itself, in nanoseconds of the monotonic clock.
        let end: Int64?
        /// How many requests it has struck.
        var struck = 0

        /// Whether it is over.
        func isOver(at now: Int64) -> Bool {
            if let end, now >= end { return true }
            return fault.count.map { struck >= $0 } ?? false
        }

        func concerns(key: String, recipient: String?) -> Bool {
            if let wanted = fault.key, wanted != key { return false }
            guard let wanted = fault.to else { return true }
            return recipient.map { $0 == wanted || Recipient.digits(of: $0) == Recipient.digits(of: wanted) } ?? false
        }
    }

    /// How many faults may be in force at a time.
    static let capacity = 1000

    /// In force, or over and not yet swept.
    private(set) var entries: [Entry] = []
    private var nextID = 1

    /// Adds a fault.
    ///
    /// - Returns: its entry; `nil` when the board is full.
    mutating func add(_ fault: SandboxFault, at now: Int64) -> Entry? {
        guard entries.count < Self.capacity else { return nil }
        let entry = Entry(id: nextID, fault: fault, end: fault.duration.map { now + $0.nanosecondsRounded })
        nextID += 1
        entries.append(entry)
        return entry
    }

    /// Takes away what is over.
    ///
    /// - Returns: what was taken away.
    mutating func sweep(at now: Int64) -> [Entry] {
        guard entries.contains(where: { $0.isOver(at: now) }) else { return [] }
        let over = entries.filter { $0.isOver(at: now) }
        entries.removeAll { $0.isOver(at: now) }
        return over
    }

    /// Takes away one fault, or all.
    ///
    /// - Returns: what was taken away.
    mutating func end(id: Int? = nil) -> [Entry] {
        let ended = entries.filter { id == nil || $0.id == id }
        entries.removeAll { id == nil || $0.id == id }
        return ended
    }

    /// Whether the session of a key is down on purpose. Strikes nothing.
    func isSessionDown(key: String, at now: Int64) -> Bool {
        entries.contains {
            $0.fault.kind == .sessionDown && !$0.isOver(at: now) && $0.concerns(key: key, recipient: nil)
        }
    }

    /// The faults that strike a request, in order, each counted as a strike.
    ///
    /// - Parameters:
    ///   - isWanted: which faults come into question for the request.
    ///   - isLast: whether a fault ends the request, so that later ones do not get at it.
    mutating func strike(
        key: String, recipient: String?, at now: Int64, random: inout SplitMix64,
        where isWanted: (SandboxFault) -> Bool, until isLast: (SandboxFault) -> Bool = { _ in true }
    ) -> [Entry] {
        guard !entries.isEmpty else { return [] }
        var striking: [Entry] = []
        for index in entries.indices {
            let entry = entries[index]
            guard isWanted(entry.fault), !entry.isOver(at: now), entry.concerns(key: key, recipient: recipient),
                entry.fault.rate >= 1 || Double.random(in: 0..<1, using: &random) < entry.fault.rate
            else { continue }
            entries[index].struck += 1
            striking.append(entry)
            if isLast(entry.fault) { break }
        }
        return striking
    }
}
