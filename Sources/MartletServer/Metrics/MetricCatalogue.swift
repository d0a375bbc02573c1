/// What the program measures: names, meanings and buckets are a contract with those who draw and alert on them.
enum MetricCatalogue {
    /// One metric: its name, what it is, and what it means.
    struct Entry: Sendable {
        var name: String
        var kind: MetricFamily.Kind
        var help: String
        var buckets: [Double] = []
    }

    /// Recorded with each request.
    static let httpRequestDuration = "martlet_http_request_duration_seconds"
    /// Read off the store at scrape.
    static let queueWaiting = "martlet_queue_waiting"
    /// Read off the store at scrape.
    static let queueOldestDue = "martlet_queue_oldest_due_seconds"
    /// Read off the directory at scrape.
    static let channels = "martlet_channels"

    /// Read off the health register at scrape.
    static let healthCheck = "martlet_health_check"

    /// From a millisecond to ten seconds.
    static let requestBuckets: [Double] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
    /// From ten milliseconds to an hour.
    static let lagBuckets: [Double] = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600]

    /// Every metric of the contract.
    static let entries: [Entry] = [
        Entry(name: "martlet_messages_accepted_total", kind: .counter, help: "Messages accepted and stored."),
        Entry(name: "martlet_messages_status_total", kind: .counter, help: "Changes of messages to each status."),
        Entry(
            name: "martlet_attempts_total", kind: .counter, help: "Attempts to send, by provider and outcome class."),
        Entry(
            name: "martlet_retries_total", kind: .counter,
            help: "Attempts that are to be made once more, by provider and what they came after."),
        Entry(
            name: "martlet_dead_letters_total", kind: .counter,
            help: "Messages that went to the dead-letter queue, by the code of their reason."),
        Entry(
            name: "martlet_channel_holds_total", kind: .counter,
            help: "Times a channel began to hold its messages, by provider and the status it took."),
        Entry(
            name: "martlet_throttle_wait_seconds_total", kind: .counter,
            help: "Seconds for which channels with something due waited for a rate limit, added up over channels."),
        Entry(name: queueWaiting, kind: .gauge, help: "Messages waiting to be sent, by priority."),
        Entry(
            name: queueOldestDue, kind: .gauge,
            help: "Seconds for which the message that is due the longest has been due; 0 when none is."),
        Entry(name: channels, kind: .gauge, help: "Channels by status."),
        Entry(
            name: healthCheck, kind: .gauge, help: "The checks of /health/ready: 1 when well, 0 when not."),
        Entry(
            name: "martlet_webhooks_total", kind: .counter,
            help: "Webhooks by provider and what became of them."),
        Entry(
            name: "martlet_webhook_lag_seconds", kind: .histogram,
            help: "Time from the receipt of a webhook to its effect.", buckets: lagBuckets),
        Entry(
            name: "martlet_acknowledgement_lag_seconds", kind: .histogram,
            help: "Time from a send to the first sign of life.", buckets: lagBuckets),
        Entry(
            name: httpRequestDuration, kind: .histogram,
            help: "Time in which HTTP requests were answered, by route, method and class of status.",
            buckets: requestBuckets),
    ]

    /// The same by name.
    static let byName: [String: Entry] = Dictionary(uniqueKeysWithValues: entries.map { ($0.name, $0) })
}
