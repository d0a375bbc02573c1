import Logging
import Synchronization

/// Where everything that happens in the pipeline is told: the feed, the metrics, the log and the health register, in one
/// place, so that none of them is forgotten. Bodies, recipients and credentials are never among it.
package final class PipelineObserver: Sendable {
    private let feed: StatusFeed
    private let metrics: PipelineMetrics
    private let rates: SendRates
    private let health: HealthRegister
    private let logger: Logger
    private let isStoreFailing = Mutex(false)
    private let isStalled = Mutex(false)
    private let failing = Mutex<Set<SeparatePart>>([])
    private let followed = FollowedMessages()

    package init(
        feed: StatusFeed, metrics: PipelineMetrics, rates: SendRates, health: HealthRegister, logger: Logger
    ) {
        self.feed = feed
        self.metrics = metrics
        self.rates = rates
        self.health = health
        self.logger = logger
    }

    /// Messages whose status or condition changed, as they now are.
    package func changed(_ messages: [Message]) {
        guard !messages.isEmpty else { return }
        feed.publish(messages)
        for message in messages where message.status != .queued {
            metrics.status(message.status)
            let news = followed.changed(message)
            if news.skipsDelivered { metrics.status(.delivered) }
            if news.isFirstSign, let acknowledgedAt = message.acknowledgedAt, let sentAt = message.sentAt {
                metrics.acknowledgementLag(acknowledgedAt - sentAt)
            }
            if message.status == .failed, message.deadLetteredAt != nil {
                metrics.deadLettered(reason: ErrorReason.Code.known(in: message.errorReason)?.text ?? "other")
            }
        }
    }

    /// The message was sent; what becomes of it is followed.
    package func follows(_ message: Message) { followed.sent(message.id) }

    package func sent(on channel: ChannelID) { rates.sent(channel) }

    /// One attempt is over: one line of the log, wide.
    package func attempted(provider: String, message: Message, attempt: Int, report: AttemptReport) {
        metrics.attempt(provider: provider, outcome: report.outcome.name)
        let level: Logger.Level = if case .accepted = report.outcome { .debug } else { .info }
        logger.log(
            level: level, "attempt",
            metadata: [
                "message": "\(message.id)", "channel": "\(message.channelID)", "attempt": "\(attempt)",
                "outcome": "\(report.outcome.name)", "http_status": "\(report.httpStatus.map(String.init) ?? "-")",
                "duration_ms": "\(report.duration.milliseconds)",
            ])
    }

    /// Messages of a channel are tried once more; nil when it is gone meanwhile.
    package func retried(over channel: Channel?, after cause: PipelineMetrics.RetryCause) {
        if let channel { metrics.retried(provider: channel.provider, after: cause) }
    }

    /// Channels waited for their rate limits, by provider.
    package func throttled(_ waits: [String: Duration]) {
        for (provider, wait) in waits { metrics.throttled(provider: provider, wait) }
    }

    /// Asks the probe whenever somebody asks for the process's health.
    package func watch(_ probe: @escaping HealthRegister.Probe) { health.watch(probe) }

    /// Whether what is due moves. The health check tells it to anybody who asks, so it names no channel; the log does.
    package func dispatchWatched(_ stall: DispatchWatch.Stall?) {
        let wasStalled = isStalled.withLock { isStalled in
            defer { isStalled = stall != nil }
            return isStalled
        }
        guard let stall else {
            health.report("dispatcher", isOK: true)
            if wasStalled { logger.notice("messages that were due are sent again") }
            return
        }
        let seconds = Int(stall.longest.seconds)
        health.report(
            "dispatcher", isOK: false,
            detail:
                "messages of \(stall.channels) channel\(stall.channels == 1 ? "" : "s") are due and nothing is sent, "
                + "for up to \(seconds) s; the log names the channel")
        if !wasStalled {
            logger.error(
                "messages are due and nothing is sent",
                metadata: ["channel": "\(stall.channel)", "channels": "\(stall.channels)", "for_s": "\(seconds)"])
        }
    }

    package func channelHeld(_ channel: Channel, status: ChannelStatus, reason: String?) {
        metrics.channelHeld(provider: channel.provider, status: status)
        logger.warning(
            "channel holds its messages",
            metadata: [
                "channel": "\(channel.id)", "name": "\(channel.name)", "status": "\(status.rawValue)",
                "reason": "\(reason ?? "see the channel's status_reason")",
            ])
    }

    package func channelResumed(_ channel: Channel) {
        logger.notice("channel sends again", metadata: ["channel": "\(channel.id)", "name": "\(channel.name)"])
    }

    /// A bulk replay has come to its end.
    package func replayOver(_ job: ReplayJob) {
        logger.notice(
            "a bulk replay is over",
            metadata: [
                "replay": "\(job.id)", "status": "\(job.status.rawValue)", "matched": "\(job.matched)",
                "replayed": "\(job.replayed)", "skipped": "\(job.skipped)", "failed": "\(job.failed)",
            ])
    }

    package func storeFailed(_ error: StoreError, doing: String) {
        health.report("store", isOK: false, detail: error.message)
        let isNews = isStoreFailing.withLock { isFailing in
            defer { isFailing = true }
            return !isFailing
        }
        logger.log(
            level: isNews ? .error : .debug, "the store does not answer",
            metadata: ["doing": "\(doing)", "error": "\(error)"])
    }

    package func storeAnswered() {
        let isNews = isStoreFailing.withLock { isFailing in
            defer { isFailing = false }
            return isFailing
        }
        guard isNews else { return }
        health.report("store", isOK: true)
        logger.notice("the store answers again")
    }

    /// What the error is of does not answer: the store, or an engine beside it.
    package func failed(_ error: StoreError, doing: String) {
        if let part = error.part { failed(part, error, doing: doing) } else { storeFailed(error, doing: doing) }
    }

    /// An engine beside the store does not answer.
    package func failed(_ part: SeparatePart, _ error: StoreError, doing: String) {
        health.report(part.rawValue, isOK: false, detail: error.message)
        let isNews = failing.withLock { $0.insert(part).inserted }
        logger.log(
            level: isNews ? .error : .debug, "the \(part.rawValue) does not answer",
            metadata: ["doing": "\(doing)", "error": "\(error)"])
    }

    package func answered(_ part: SeparatePart) {
        guard failing.withLock({ $0.remove(part) }) != nil else { return }
        health.report(part.rawValue, isOK: true)
        logger.notice("the \(part.rawValue) answers again")
    }

    package func settlementAbandoned(_ message: MessageID, error: StoreError) {
        logger.critical(
            "the outcome of an attempt could not be stored; it will be looked up",
            metadata: ["message": "\(message)", "error": "\(error)"])
    }

    package func webhooksProcessed(provider: String, count: Int, lag: Duration) {
        metrics.webhook(provider: provider, result: "processed", count: count)
        metrics.webhookLag(lag)
    }

    package func webhookSetAside(provider: String, reason: String) {
        metrics.webhook(provider: provider, result: "set_aside")
        logger.warning(
            "a webhook cannot be read and was set aside", metadata: ["provider": "\(provider)", "reason": "\(reason)"])
    }
}
