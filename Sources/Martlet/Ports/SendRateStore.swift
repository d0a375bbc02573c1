/// Port: how much each channel sent of late, over all processes. Approximate, and for showing only; no limit hangs on it.
package protocol SendRateStore: Sendable {
    /// How long what was added must be told of, at least.
    static var memory: Duration { get }

    /// Adds what one process has sent since it last said so.
    func addSends(_ counts: [ChannelID: Int], at now: Timestamp) async throws(StoreError)

    /// What was added for these channels after that time; channels that sent nothing may be left out.
    func sends(of channels: [ChannelID], after: Timestamp) async throws(StoreError) -> [ChannelID: Int]
}

extension SendRateStore {
    package static var memory: Duration { .seconds(60) }
}
