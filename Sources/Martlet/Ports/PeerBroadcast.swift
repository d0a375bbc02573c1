/// Port: short texts from one process to all on the same store. They may get lost: nothing that must arrive goes this way.
package protocol PeerBroadcast: Sendable {
    /// The receiver is given every text that any process broadcasts from now on, this process's own included.
    func deliver(to receiver: any PeerReceiver)

    /// Returns when the texts are on their way. Each has up to 7,000 bytes.
    func broadcast(_ texts: [String]) async throws(StoreError)
}

/// Who is told what the processes on one store broadcast. Calls come from a thread that must not be kept waiting.
package protocol PeerReceiver: AnyObject, Sendable {
    /// A text as it came. Whoever may write to the store may have sent it.
    func received(_ text: String)

    /// The line is there, for the first time or again; what was broadcast before may have been missed.
    func connected()
}
