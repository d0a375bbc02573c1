import Martlet

/// Compares what the provider saw with what the service says, at the end of a run, and says what was promised and not kept.
struct Judge {
    let world: World
    let places: Places
    let isQuiet: Bool

    /// A message with all that is known of it.
    struct Case {
        var message: Message
        var timeline: [TimelineEvent]
        /// Requests of this message that reached the provider, in order.
        var arrivals: [Ledger.Arrival]

        var acceptances: [Ledger.Arrival] { arrivals.filter(\.verdict.isAcceptance) }
        var replays: Int { timeline.filter { $0.kind == .replayed }.count }
        var unknownAttempts: Int { timeline.filter { $0.kind == .attempt && $0.outcome == "unknown" }.count }
        /// Whether the service says that the provider took it.
        var isSaidSent: Bool {
            switch message.status {
            case .sent, .delivered, .read: true
            case .failed: message.sentAt != nil
            case .queued: false
            }
        }
    }

    func violation(_ text: String) { world.log.violation(text) }

    func judge() async throws {
        if !isQuiet { violation("it does not end: \(waiting); \(try await channels)") }
        let arrivals = Dictionary(grouping: world.ledger.arrivals, by: \.message)
        var cases: [Case] = []
        for message in world.data.allMessages {
            cases.append(
                Case(
                    message: message, timeline: try await world.data.timeline(message.id),
                    arrivals: arrivals[message.id] ?? []))
        }
        conservation(cases)
        for one in cases {
            reasons(one)
            attempts(one)
            history(one)
            times(one)
            cause(one)
        }
        sends(cases)
        keys(cases)
        webhooks(cases)
        limits()
        recipients()
        penalties()
        schedule(cases)
        if world.scenario.kind == .calm { lanes(cases) }
        try await numbers(cases)
    }

    private var channels: String {
        get async throws {
            try await world.data.channels().map { record in
                let known = world.running?.directory.channel(record.channel.id)?.status.rawValue ?? "-"
                return "\(record.channel.id.short) is \(record.channel.status.rawValue), in memory \(known)"
            }.joined(separator: "; ")
        }
    }

    private var waiting: String {
        world.data.allMessages.filter { $0.status == .queued }.prefix(5).map { message in
            "\(message.id.short) on \(message.channelID.short) \(message.job.map { "\($0.state) due \($0.dueAt) \($0.condition?.rawValue ?? "-")" } ?? "without a job")"
        }.joined(separator: "; ")
    }
}
