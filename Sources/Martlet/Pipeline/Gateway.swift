/// The service as its outer layers see it: everything an API needs, nothing of how it runs.
package struct Gateway: Sendable {
    package let store: any Store
    package let inbox: any Inbox
    package let directory: Directory
    package let acceptance: Acceptance
    package let ingress: WebhookIngress
    package let feed: StatusFeed
    package let sessions: SessionControl
    package let rates: SendRates
    package let health: HealthRegister
    package let time: any TimeSource
    /// Called when a message becomes due by an operator's doing (a replay, say).
    package let wake: @Sendable (ChannelID, Timestamp) -> Void
    /// Called when a bulk replay was stored.
    package let wakeReplays: @Sendable () -> Void

    package init(
        store: any Store, inbox: any Inbox, directory: Directory, acceptance: Acceptance, ingress: WebhookIngress,
        feed: StatusFeed, sessions: SessionControl, rates: SendRates, health: HealthRegister, time: any TimeSource,
        wake: @escaping @Sendable (ChannelID, Timestamp) -> Void, wakeReplays: @escaping @Sendable () -> Void = {}
    ) {
        self.store = store
        self.inbox = inbox
        self.directory = directory
        self.acceptance = acceptance
        self.ingress = ingress
        self.feed = feed
        self.sessions = sessions
        self.rates = rates
        self.health = health
        self.time = time
        self.wake = wake
        self.wakeReplays = wakeReplays
    }
}
