import Martlet
import Testing

/// What the dispatcher's memory counts for the metrics.
@Suite struct LaneBoardTests {
    private let start = Timestamp(seconds: 1_790_000_000)
    private let zero = MonotonicInstant(nanoseconds: 0)

    private func board(_ channel: Channel) -> LaneBoard {
        var board = LaneBoard()
        board.update(channel, concurrency: 5, now: zero)
        board.wake(channel.id, dueAt: start)
        return board
    }

    private func channel() -> Channel {
        Channel(
            id: ChannelID(unchecked: "chn_1"), tenantID: TenantID(unchecked: "ten_1"), name: "main", provider: "fake",
            credentials: Secret([:]), webhookToken: "", statusSince: start, createdAt: start)
    }

    private func wish(_ board: inout LaneBoard, at now: MonotonicInstant) throws -> LaneBoard.Wish {
        try #require(board.wishes(limit: 10, capacity: 10, now: start, monotonicNow: now).first)
    }

    @Test func `time in which something due waits for its limit is counted once`() throws {
        var board = board(channel())
        let first = try wish(&board, at: zero)
        board.blocked(first, until: zero + .seconds(2), now: zero)
        // A pause that reaches further adds only what lies beyond.
        board.pause(first.channel, until: zero + .seconds(5), now: zero + .seconds(1))
        board.pause(first.channel, until: zero + .seconds(3), now: zero + .seconds(1))
        #expect(board.takeThrottledTime() == ["fake": .seconds(5)])
        #expect(board.takeThrottledTime() == [:])
    }

    @Test func `a limit that holds back nothing is not counted`() throws {
        var board = board(channel())
        let first = try wish(&board, at: zero)
        board.claimed(
            first, count: 3, nextDueAt: nil, isMoreDue: false, blockedUntil: zero + .seconds(1), now: zero)
        #expect(board.takeThrottledTime() == [:])
        board.wake(first.channel, dueAt: start)
        let second = try wish(&board, at: zero + .seconds(2))
        board.claimed(
            second, count: 1, nextDueAt: start, isMoreDue: true, blockedUntil: zero + .seconds(6),
            now: zero + .seconds(2))
        #expect(board.takeThrottledTime() == ["fake": .seconds(4)])
    }

    @Test func `a store that cannot be asked is no limit`() throws {
        var board = board(channel())
        let first = try wish(&board, at: zero)
        board.failed(first, until: zero + .seconds(2))
        #expect(board.takeThrottledTime() == [:])
        let watched = try #require(board.watched([first.channel], now: zero + .seconds(1)).first)
        #expect(watched.isFree)
    }

    @Test func `claims and answers are progress`() throws {
        var board = board(channel())
        let before = try #require(board.watched([channel().id], now: zero).first).progress
        let first = try wish(&board, at: zero)
        board.claimed(first, count: 2, nextDueAt: start, isMoreDue: true, blockedUntil: nil, now: zero)
        let claimed = try #require(board.watched([channel().id], now: zero).first)
        #expect(claimed.progress > before)
        #expect(claimed.inFlight == 2)
        board.finished(first.channel, nextDueAt: nil)
        let answered = try #require(board.watched([channel().id], now: zero).first)
        #expect(answered.progress > claimed.progress)
    }
}
