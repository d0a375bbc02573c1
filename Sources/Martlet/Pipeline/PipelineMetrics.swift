import Metrics

/// The pipeline's counters and timers, by the names the contract fixes. Labels are bounded: never a tenant, a channel or a
/// recipient.
package struct PipelineMetrics: Sendable {
    private let acceptedTotal = Counter(label: "martlet_messages_accepted_total")

    package init() {}

    package func accepted() { acceptedTotal.increment() }

    package func status(_ status: MessageStatus) {
        Counter(label: "martlet_messages_status_total", dimensions: [("status", status.rawValue)]).increment()
    }

    package func attempt(provider: String, outcome: String) {
        Counter(
            label: "martlet_attempts_total", dimensions: [("provider", provider), ("outcome", outcome)]
        ).increment()
    }

    /// Why a message is sent once more.
    package enum RetryCause: String, Sendable { case transient, unknown }

    package func retried(provider: String, after cause: RetryCause) {
        Counter(
            label: "martlet_retries_total", dimensions: [("provider", provider), ("after", cause.rawValue)]
        ).increment()
    }

    /// - parameter reason: the reason's stable code.
    package func deadLettered(reason: String) {
        Counter(label: "martlet_dead_letters_total", dimensions: [("reason", reason)]).increment()
    }

    package func channelHeld(provider: String, status: ChannelStatus) {
        Counter(
            label: "martlet_channel_holds_total", dimensions: [("provider", provider), ("status", status.rawValue)]
        ).increment()
    }

    /// Time for which channels that had something due were made to wait by a rate limit.
    package func throttled(provider: String, _ wait: Duration) {
        FloatingPointCounter(
            label: "martlet_throttle_wait_seconds_total", dimensions: [("provider", provider)]
        ).increment(by: wait.seconds)
    }

    /// - parameter result: accepted, unauthenticated, overloaded, processed, set_aside.
    package func webhook(provider: String, result: String, count: Int = 1) {
        Counter(
            label: "martlet_webhooks_total", dimensions: [("provider", provider), ("result", result)]
        ).increment(by: count)
    }

    /// From a webhook's receipt to its effect.
    package func webhookLag(_ lag: Duration) {
        Recorder(label: "martlet_webhook_lag_seconds").record(max(0, lag.seconds))
    }

    /// From a send to the first sign of life.
    package func acknowledgementLag(_ lag: Duration) {
        Recorder(label: "martlet_acknowledgement_lag_seconds").record(max(0, lag.seconds))
    }
}
