#if SQS
    import Martlet
    import Testing

    @testable import SQSEngine

    /// What the process still has, told without SQS.
    @Suite struct DeskTests {
        private func delivery(_ queue: JobQueue, _ handle: String, at seconds: Int64 = 0) -> Delivery {
            Delivery(notice: notices(1)[0], queue: queue, handle: handle, receivedAt: Self.at(seconds))
        }

        private static func at(_ seconds: Int64) -> MonotonicInstant {
            MonotonicInstant(nanoseconds: 0) + .seconds(seconds)
        }

        @Test func `hands out in the order things came, up to the limit`() {
            var desk = DeliveryDesk()
            let all = (0..<5).map { delivery(.high, "\($0)") }
            desk.add(all + [delivery(.low, "low")])
            let first = desk.take(from: .high, limit: 2, now: Self.at(1))
            #expect(first.deliveries == all.prefix(2).map(\.job) && first.stale.isEmpty)
            #expect(desk.waitingCount == 4 && desk.handedOutCount == 2)
            let rest = desk.take(from: .high, limit: 9, now: Self.at(1))
            #expect(rest.deliveries == all.dropFirst(2).map(\.job))
            let over = desk.take(from: .high, limit: 9, now: Self.at(1))
            #expect(over.deliveries.isEmpty)
            let none = desk.take(from: .low, limit: 0, now: Self.at(1))
            #expect(none.deliveries.isEmpty)
            #expect(desk.waitingCount == 1)
        }

        @Test func `hands out nothing that would stay for less than a minute`() {
            var desk = DeliveryDesk()
            let old = delivery(.high, "old")
            let young = delivery(.high, "young", at: 20)
            desk.add([old, young])
            #expect(old.handOutBefore + .seconds(60) <= old.ownedUntil)
            let taken = desk.take(from: .high, limit: 1, now: Self.at(40))
            #expect(taken.deliveries == [young.job])
            #expect(taken.stale == [old])
            #expect(desk.waitingCount == 0)
            desk.add([old])
            // SQS has it back by now.
            let late = desk.take(from: .high, limit: 1, now: Self.at(90))
            #expect(late.deliveries.isEmpty && late.stale.isEmpty)
        }

        @Test func `releases what is still its own, once`() {
            var desk = DeliveryDesk()
            let mine = [delivery(.high, "a"), delivery(.low, "b")]
            let foreign = delivery(.high, "c")
            desk.add(mine)
            for queue in JobQueue.byPriority { _ = desk.take(from: queue, limit: 9, now: Self.at(1)) }
            let released = desk.release((mine + mine + [foreign]).map(\.job), now: Self.at(80))
            #expect(released == mine)
            let again = desk.release(mine.map(\.job), now: Self.at(80))
            #expect(again.isEmpty)
            desk.restore(released)
            let late = desk.release(mine.map(\.job), now: Self.at(90))
            #expect(late.isEmpty)
            #expect(desk.handedOutCount == 0)
        }

        @Test func `gives up everything that is still its own`() {
            var desk = DeliveryDesk()
            let waiting = delivery(.normal, "waiting", at: 10)
            let out = delivery(.high, "out", at: 10)
            desk.add([waiting, out, delivery(.low, "past")])
            _ = desk.take(from: .high, limit: 1, now: Self.at(11))
            let given = desk.clear(now: Self.at(90))
            #expect(Set(given) == [waiting, out])
            let nothing = desk.clear(now: Self.at(90))
            #expect(nothing.isEmpty)
        }

        @Test func `does not keep count of deliveries for ever`() {
            var desk = DeliveryDesk()
            for second in 0..<50 {
                desk.add((0..<100).map { delivery(.high, "\(second)/\($0)", at: Int64(second) * 10) })
                _ = desk.take(from: .high, limit: 100, now: Self.at(Int64(second) * 10))
            }
            // Nine seconds' worth is still owned; what is kept beyond that is bounded.
            #expect(desk.handedOutCount < 2200)
        }

        @Test func `pauses grow to a limit, vary, and end in time`() {
            let options = options {
                $0.pauseMin = .milliseconds(100)
                $0.pauseMax = .seconds(1)
                $0.random = SeededRandomSource(seed: 1)
            }
            var persistence = Persistence(options, until: options.time.monotonicNow() + .seconds(3600))
            let pauses = (0..<40).compactMap { _ in persistence.nextPause() }
            #expect(pauses.count == 40)
            for (index, pause) in pauses.enumerated() {
                let longest = min(Duration.seconds(1), .milliseconds(100) * (1 << min(index, 10)))
                #expect(pause <= longest && pause >= longest / 2)
            }
            #expect(Set(pauses).count > 30)
            var over = Persistence(options, until: options.time.monotonicNow())
            let none = over.nextPause()
            #expect(none == nil)
        }

        @Test func `reads batch answers, and takes for undone what is in neither list`() {
            let answer: JSONObject = [
                "Successful": [["Id": "0"], ["Id": "7"], ["Id": "x"], 5],
                "Failed": [
                    ["Id": "1", "SenderFault": true, "Code": "ReceiptHandleIsInvalid"],
                    ["Id": "2", "SenderFault": false, "Code": "InternalError"],
                ],
            ]
            let outcome = BatchAnswer(answer, count: 4)
            #expect(outcome.failed == [2, 3])
            #expect(outcome.failure?.kind == .transient)
            #expect(BatchAnswer(["Successful": [["Id": "0"]]], count: 1).failure == nil)
            let refused = BatchAnswer(
                ["Failed": [["Id": "0", "SenderFault": true, "Code": "InvalidMessageContents"]]], count: 2)
            #expect(refused.failed == [0, 1] && refused.failure?.kind == .refused)
        }
    }
#endif
