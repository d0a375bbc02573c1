/// Where webhooks land when that is not the store: a log that an engine of its own keeps.
package protocol InboxLog: SeparateEngine {
    /// Appends a batch; on return it is as durable as the engine keeps anything. Entries of one channel keep their order.
    func append(_ batch: [InboxEntry]) async throws(StoreError)

    /// Takes the oldest entries that nobody holds, at most that many, and holds them for so long: what is not completed by then,
    /// or was held by a process that ended, is given out again. Waits at most `wait` for the first, and answers with none after
    /// that. What is in the log and is no entry is passed over for good.
    func lease(limit: Int, for duration: Duration, wait: Duration) async throws(StoreError) -> [LeasedInboxEntry]

    /// Ends the holding of entries that are processed; they do not come again. Sequences are those ``lease(limit:for:wait:)``
    /// of this process gave; others are passed over.
    func complete(_ sequences: [Int64]) async throws(StoreError)

    /// Entries that are not completed, and when the oldest of them was received, as far as that is known without reading them.
    func depth() async throws(StoreError) -> (waiting: Int, oldestReceivedAt: Timestamp?)
}

extension InboxEntry {
    /// As it travels: the time of receipt in microseconds and the channel, each with a line's end, then the body as it came.
    package func encoded() -> [UInt8] { Array("\(receivedAt.microseconds)\n\(channel.text)\n".utf8) + body }

    /// Reads what came from outside; nil when it is not an entry.
    package init?(encoded bytes: some Collection<UInt8>) {
        guard let first = bytes.firstIndex(of: UInt8(ascii: "\n")) else { return nil }
        let rest = bytes[bytes.index(after: first)...]
        guard let second = rest.firstIndex(of: UInt8(ascii: "\n")),
            let microseconds = Int64(String(decoding: bytes[..<first], as: UTF8.self)),
            let channel = ChannelID(String(decoding: rest[..<second], as: UTF8.self))
        else { return nil }
        self.init(
            channel: channel, receivedAt: Timestamp(microseconds: microseconds),
            body: Array(rest[rest.index(after: second)...]))
    }
}
