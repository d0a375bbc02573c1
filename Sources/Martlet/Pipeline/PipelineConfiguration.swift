/// What an operator sets of the pipeline.
package struct PipelineConfiguration: Sendable, Equatable {
    package var retry: RetrySchedule = .standard
    /// The longest a request to a provider may take.
    package var providerTimeout: Duration = .seconds(30)
    /// How long an unknown outcome may be settled by a webhook or a look-up before `on_unknown` decides.
    package var unknownWait: Duration = .seconds(15)
    /// When another worker takes over what a dead one had claimed.
    package var leaseDuration: Duration = .seconds(30)
    /// Age at which final messages are removed; nil keeps them.
    package var retention: Duration? = .seconds(90 * 86_400)
    /// How long a shutdown waits for requests in flight before it cancels them.
    package var shutdownGrace: Duration = .seconds(20)

    package init() {}

    /// What is wrong with the combination, in words that name the keys; nil when it holds.
    package var contradiction: String? {
        guard leaseDuration >= providerTimeout else {
            return "lease.duration (\(leaseDuration.seconds) s) must not be shorter than provider.timeout "
                + "(\(providerTimeout.seconds) s): a worker that is still sending would be taken for dead; "
                + "raise the one or lower the other"
        }
        return nil
    }
}
