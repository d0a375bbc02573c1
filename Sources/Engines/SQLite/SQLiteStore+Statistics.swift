import GRDB
import Martlet

extension SQLiteStore {
    package func statistics(tenant: TenantID, now: Timestamp) async throws(StoreError) -> StoreStatistics {
        try await read { database in
            var statistics = StoreStatistics(
                counts: Dictionary(uniqueKeysWithValues: MessageStatus.allCases.map { ($0, 0) }), deadLetters: 0,
                backlogs: [])
            let counters = try database.all(Statements.tenantCounters, [tenant]) { row in
                (channel: row[0] as ChannelID, name: row[1] as String, value: row[2] as Int)
            }
            for counter in counters {
                if let status = MessageStatus(rawValue: counter.name) {
                    statistics.counts[status] = counter.value
                } else if counter.name == CounterName.deadLetters {
                    statistics.deadLetters = counter.value
                } else if counter.name == CounterName.waiting, counter.value > 0 {
                    let dueAt =
                        try database.first(Statements.channelDue, [counter.channel]) { $0[0] as Timestamp? } ?? nil
                    statistics.backlogs.append(
                        .init(
                            channel: counter.channel, waiting: counter.value,
                            oldestDueAt: dueAt.flatMap { $0 <= now ? $0 : nil }))
                }
            }
            return statistics
        }
    }

    package func queueDepth(now: Timestamp) async throws(StoreError) -> QueueDepth {
        try await read { database in
            var waiting: [Priority: Int] = [:]
            for priority in Priority.allCases {
                waiting[priority] =
                    try database.first(Statements.counter, ["", "", CounterName.waiting(priority)]) { $0[0] as Int }
                    ?? 0
            }
            let due = try database.all(Statements.allDue) { $0[1] as Timestamp? }
            return QueueDepth(waiting: waiting, oldestDueAt: due.compactMap(\.self).filter { $0 <= now }.min())
        }
    }
}
