/// Where webhooks land, durably, before anything is done with them.
package protocol Inbox: Sendable {
    /// Stores a batch durably; on return it is on disk.
    func append(_ batch: [InboxEntry]) async throws(StoreError)

    /// Takes the oldest entries for one processor, at most that many.
    func lease(limit: Int, now: Timestamp, until: Timestamp) async throws(StoreError) -> [LeasedInboxEntry]

    /// Removes entries that are processed.
    func complete(_ sequences: [Int64]) async throws(StoreError)

    /// Keeps an entry that cannot be read, with the reason, out of the way; it can be looked at and taken back.
    func setAside(_ entries: [(sequence: Int64, reason: String)], now: Timestamp) async throws(StoreError)

    /// Entries that wait, and when the oldest of them was received.
    func depth() async throws(StoreError) -> (waiting: Int, oldestReceivedAt: Timestamp?)
}

/// An inbox that shows what was set aside and takes it back.
package protocol SetAsideInbox: Inbox {
    /// Entries that were set aside, the longest there first, at most that many.
    func entriesSetAside(limit: Int) async throws(StoreError) -> [SetAsideInboxEntry]

    /// Puts entries back to the end of the inbox, to be processed once more. Those that are not set aside are passed over.
    func takeBack(_ sequences: [Int64]) async throws(StoreError)
}

package struct InboxEntry: Sendable, Equatable {
    package var channel: ChannelID
    package var receivedAt: Timestamp
    /// The raw body, the channel's own credentials blanked.
    package var body: [UInt8]

    package init(channel: ChannelID, receivedAt: Timestamp, body: [UInt8]) {
        self.channel = channel
        self.receivedAt = receivedAt
        self.body = body
    }
}

package struct LeasedInboxEntry: Sendable, Equatable {
    package var sequence: Int64
    package var entry: InboxEntry

    package init(sequence: Int64, entry: InboxEntry) {
        self.sequence = sequence
        self.entry = entry
    }
}

/// A webhook that could not be read, and why.
package struct SetAsideInboxEntry: Sendable, Equatable {
    package var sequence: Int64
    package var entry: InboxEntry
    package var reason: String
    package var setAsideAt: Timestamp

    package init(sequence: Int64, entry: InboxEntry, reason: String, setAsideAt: Timestamp) {
        self.sequence = sequence
        self.entry = entry
        self.reason = reason
        self.setAsideAt = setAsideAt
    }
}
