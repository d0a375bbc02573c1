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
