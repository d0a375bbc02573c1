import Dispatch
import Foundation
import Martlet
import MartletTestSupport
import Testing

@Suite struct CallQueueTests {
    private typealias Queue = CallQueue<@Sendable () -> Void>

    private static func queue(threads: Int = 1, waitingMax: Int = 100_000) -> Queue {
        Queue(
            name: "test", threads: threads, waitingMax: waitingMax, server: "the test",
            closed: StoreError(.unavailable, "the test is over")
        ) { calls in
            while let call = calls.take() { call() }
        }
    }

    private static func code(_ body: () throws(StoreError) -> Void) -> StoreError.Code? {
        do throws(StoreError) { try body() } catch { return error.code }
        return nil
    }

    /// Keeps the queue's thread busy until the semaphore is signalled.
    private static func occupy(_ queue: Queue) async -> DispatchSemaphore {
        let gate = DispatchSemaphore(value: 0)
        let isTaken = await queue.outcome(refused: { _ in false }) { answer in
            {
                answer(true)
                gate.wait()
            }
        }
        #expect(isTaken)
        return gate
    }

    @Test func `refuses what is more than may wait, and only that`() async throws {
        let queue = Self.queue(waitingMax: 3)
        let carriedOut = Recorder<Int>()
        let gate = await Self.occupy(queue)
        for number in 0..<3 { try queue.submit { carriedOut.append(number) } }
        #expect(Self.code { () throws(StoreError) in try queue.submit { carriedOut.append(3) } } == .overloaded)
        let refusal = await queue.outcome(refused: { $0.message }) { _ in { carriedOut.append(4) } }
        #expect(refusal == "3 calls wait for the test")
        gate.signal()
        // The last of those that wait is carried out before this: there is room again.
        var answer = "overloaded"
        while answer == "overloaded" {
            answer = await queue.outcome(refused: { $0.code.name }) { answer in { answer("carried out") } }
        }
        #expect(answer == "carried out")
        #expect(carriedOut.all == [0, 1, 2])
        await queue.close()
    }

    @Test func `when it is closed, carries out what waits and refuses the rest`() async throws {
        let queue = Self.queue()
        let carriedOut = Recorder<Int>()
        let gate = await Self.occupy(queue)
        for number in 0..<10 { try queue.submit { carriedOut.append(number) } }
        async let closed: Void = queue.close()
        var accepted = 10
        var refusal: StoreError?
        while refusal == nil, accepted < 90_000 {
            let number = accepted
            do throws(StoreError) {
                try queue.submit { carriedOut.append(number) }
                accepted += 1
            } catch {
                refusal = error
            }
            await Task.yield()
        }
        #expect(refusal?.message == "the test is over")
        #expect(carriedOut.all.isEmpty)
        gate.signal()
        await closed
        #expect(carriedOut.all == Array(0..<accepted))
        #expect(await queue.outcome(refused: { $0.code }) { _ in {} } == .unavailable)
    }

    @Test func `begins with the first call, and can be closed without one`() async throws {
        let used = Self.queue()
        #expect(!used.isInUse)
        #expect(await used.outcome(refused: { _ in 0 }) { answer in { answer(1) } } == 1)
        #expect(used.isInUse)
        await used.close()
        await used.close()

        let unused = Self.queue(threads: 4)
        await unused.close()
        #expect(Self.code { () throws(StoreError) in try unused.submit {} } == .unavailable)
        #expect(!unused.isInUse)
    }

    @Test func `one thread keeps the order`() async throws {
        let queue = Self.queue()
        let carriedOut = Recorder<Int>()
        for number in 0..<5000 { try queue.submit { carriedOut.append(number) } }
        await queue.close()
        #expect(carriedOut.all == Array(0..<5000))
    }

    @Test func `several threads carry out calls at the same time`() async throws {
        let queue = Self.queue(threads: 4)
        let condition = NSCondition()
        nonisolated(unsafe) var present = 0
        let met = await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    await queue.outcome(refused: { _ in false }) { answer in
                        {
                            answer(
                                condition.withLock {
                                    present += 1
                                    condition.broadcast()
                                    let end = Date(timeIntervalSinceNow: 60)
                                    while present < 4 { guard condition.wait(until: end) else { return false } }
                                    return true
                                })
                        }
                    }
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(met == [true, true, true, true])
        await queue.close()
    }

    @Test func `answers each of many calls once, whoever makes them`() async throws {
        let queue = Self.queue(threads: 3)
        let carriedOut = Recorder<Int>()
        let answers = await withTaskGroup(of: [Int].self) { group in
            for caller in 0..<8 {
                group.addTask {
                    var answers: [Int] = []
                    for number in 0..<250 {
                        answers.append(
                            await queue.outcome(refused: { _ in -1 }) { answer in
                                {
                                    carriedOut.append(caller * 250 + number)
                                    answer(caller * 250 + number)
                                }
                            })
                    }
                    return answers
                }
            }
            return await group.reduce(into: []) { $0 += $1 }
        }
        await queue.close()
        #expect(answers.sorted() == Array(0..<2000))
        #expect(carriedOut.all.sorted() == Array(0..<2000))
    }

    @Test func `takes batches that keep to their bounds, and a call that is larger by itself`() async throws {
        let batches = Recorder<[Int]>()
        let gate = DispatchSemaphore(value: 0)
        let queue = CallQueue<Int>(
            name: "test", waitingMax: 100, server: "the test", closed: StoreError(.unavailable, "the test is over")
        ) { calls in
            gate.wait()
            while let batch = calls.takeBatch(callsMax: 3, sizeMax: 10, size: { $0 }) { batches.append(batch) }
        }
        for size in [11, 1, 1, 1, 1, 9, 1, 10, 5, 6] { try queue.submit(size) }
        gate.signal()
        await queue.close()
        #expect(batches.all == [[11], [1, 1, 1], [1, 9], [1], [10], [5], [6]])
    }

    @Test func `looks up from waiting for a batch when the time is over`() async throws {
        let empty = DispatchSemaphore(value: 0)
        let taken = Recorder<Int>()
        let queue = CallQueue<Int>(
            name: "test", waitingMax: 100, server: "the test", closed: StoreError(.unavailable, "the test is over")
        ) { calls in
            while let batch = calls.takeBatch(sizeMax: 10, waitMax: .milliseconds(1), size: { _ in 1 }) {
                if batch.isEmpty { empty.signal() }
                for number in batch { taken.append(number) }
            }
        }
        try queue.submit(1)
        let didLookUp = await withCheckedContinuation { continuation in
            Thread.detachNewThread { continuation.resume(returning: empty.wait(timeout: .now() + 60) == .success) }
        }
        #expect(didLookUp)
        try queue.submit(2)
        await queue.close()
        #expect(taken.all == [1, 2])
    }
}
