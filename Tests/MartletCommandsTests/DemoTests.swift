import Foundation
import MartletClient
import Testing

@testable import MartletCommands

@Suite struct DemoTests {
    private func message(_ id: String, _ status: String, reason: String? = nil) throws -> MessageRecord {
        let reason = reason.map { "\"\($0)\"" } ?? "null"
        return try JSONDecoder().decode(
            MessageRecord.self,
            from: Data(
                """
                {"id":"\(id)","channel":"demo","to":"+1555","type":"text","status":"\(status)","attempts":1,
                "error_reason":\(reason),"dead_lettered":false,"priority":"normal","created_at":"","updated_at":""}
                """.utf8))
    }

    @Test func `progress only goes forward`() throws {
        var progress = DemoProgress()
        #expect(!progress.isFinal)
        progress.accept("a", at: .zero)
        progress.see(try message("a", "delivered"), at: .milliseconds(300))
        progress.see(try message("a", "sent"), at: .milliseconds(400))
        #expect(progress.counts == ["delivered": 1])
        #expect(progress.isFinal)
        #expect(!progress.isOver)
        progress.see(try message("a", "read"), at: .milliseconds(500))
        #expect(progress.isOver)
        var latency = progress.latency
        #expect(latency.count == 1)
        #expect(latency.percentile(1) == .milliseconds(300))
    }

    @Test func `news that comes before the acceptance is kept`() throws {
        var progress = DemoProgress()
        progress.see(try message("a", "failed", reason: "invalid_recipient: nobody"), at: .zero)
        progress.accept("a", at: .milliseconds(1))
        #expect(progress.counts == ["failed": 1])
        #expect(progress.reasons == ["invalid_recipient: nobody"])
        #expect(progress.isFinal)
    }

    @Test func `the rate is that of the last second`() {
        var progress = DemoProgress()
        for sent in [0, 20, 45, 66] { progress.tick(sentInAll: sent) }
        #expect(progress.sentPerHalfSecond == [0, 20, 25, 21])
        #expect(progress.rate == 46)
    }

    @Test(arguments: [40, 80, 200])
    func `the picture fits the screen and shows every status`(_ width: Int) throws {
        var progress = DemoProgress()
        for index in 0..<240 { progress.accept("\(index)", at: .zero) }
        progress.see(try message("1", "failed"), at: .seconds(1))
        progress.tick(sentInAll: 45)
        let lines = DemoScreen(width: width, hasColor: false).picture(progress, elapsed: .seconds(3))
        for status in DemoProgress.statuses { #expect(lines.contains { $0.hasPrefix(status) }) }
        for line in lines where !line.hasPrefix("latency") { #expect(line.count <= width) }
        #expect(lines[0].hasSuffix(" 239"))
        // One of 240 still shows.
        #expect(lines[4].contains("█"))
        #expect(!lines.joined().contains("\u{1B}"))
        #expect(
            DemoScreen(width: width, hasColor: true).picture(progress, elapsed: .zero).joined().contains("\u{1B}[31m"))
    }

    @Test func `a picture is drawn over the one before it`() {
        #expect(DemoScreen.redraw(["a", "b"], over: 0) == "\r\u{1B}[2Ka\n\r\u{1B}[2Kb\n")
        #expect(DemoScreen.redraw(["a"], over: 2).hasPrefix("\u{1B}[2A"))
    }

    @Test func `a sparkline is highest at the top`() {
        #expect(DemoScreen.sparkline([0, 1, 25, 50, 100], top: 50) == " ▁▄██")
    }

    @Test func `elsewhere progress is a line`() throws {
        var progress = DemoProgress()
        progress.accept("a", at: .zero)
        let line = DemoScreen(width: 80, hasColor: false).line(progress, elapsed: .milliseconds(1540))
        #expect(line == "  1.5 s  queued 1  sent 0  delivered 0  read 0  failed 0  0/s")
    }

    @Test func `a first value reaches those who waited and those who come later`() async throws {
        let value = FirstValue<Int>()
        async let early = value.wait()
        value.give(1)
        value.give(2)
        #expect(try await early == 1)
        #expect(try await value.wait() == 1)
    }

    @Test func `who waits for a value can be cancelled`() async {
        let value = FirstValue<Int>()
        let task = Task { try await value.wait() }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
    }
}
