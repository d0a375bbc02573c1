#if PostgreSQL
    import Martlet

    extension PostgreSQLStore {
        package func statistics(tenant: TenantID, now: Timestamp) async throws(StoreError) -> StoreStatistics {
            try await read { session in
                var statistics = StoreStatistics(
                    counts: Dictionary(uniqueKeysWithValues: MessageStatus.allCases.map { ($0, 0) }), deadLetters: 0,
                    backlogs: [])
                let counters = try session.query(Statements.tenantCounters, [tenant]).map { row in
                    (channel: row.next(ChannelID.self), name: row.next(String.self), value: row.next(Int.self))
                }
                for counter in counters {
                    if let status = MessageStatus(rawValue: counter.name) {
                        statistics.counts[status] = counter.value
                    } else if counter.name == CounterName.deadLetters {
                        statistics.deadLetters = counter.value
                    }
                }
                let waiting = counters.filter { $0.name == CounterName.waiting && $0.value > 0 }
                    .sorted { $0.channel < $1.channel }
                guard !waiting.isEmpty else { return statistics }
                for counter in waiting { try session.request(Statements.channelDue, [counter.channel]) }
                for (counter, answer) in zip(waiting, try session.collect()) {
                    let dueAt = answer.first { $0.nextIfAny(Timestamp.self) } ?? nil
                    statistics.backlogs.append(
                        .init(
                            channel: counter.channel, waiting: counter.value,
                            oldestDueAt: dueAt.flatMap { $0 <= now ? $0 : nil }))
                }
                return statistics
            }
        }

        package func queueDepth(now: Timestamp) async throws(StoreError) -> QueueDepth {
            try await read { session in
                for priority in Priority.allCases {
                    try session.request(Statements.counter, ["", "", CounterName.waiting(priority)])
                }
                try session.request(Statements.allDue)
                let answers = try session.collect()
                var waiting: [Priority: Int] = [:]
                for (priority, answer) in zip(Priority.allCases, answers) {
                    waiting[priority] = answer.first { $0.next(Int.self) } ?? 0
                }
                let due = answers[Priority.allCases.count].map { row in
                    (row.next(ChannelID.self), row.nextIfAny(Timestamp.self)).1
                }
                return QueueDepth(waiting: waiting, oldestDueAt: due.compactMap(\.self).filter { $0 <= now }.min())
            }
        }
    }
#endif
