#if Kafka
    import DequeModule
    import Foundation
    import Martlet

    /// A thread for questions that block until brokers answer, one at a time.
    final class CallThread: @unchecked Sendable {
        private struct Call {
            var run: () -> Void
            var refuse: (StoreError) -> Void
        }

        // Touched with the condition's lock held.
        private let condition = NSCondition()
        private var waiting: Deque<Call> = []
        private var isClosed = false

        private static let waitingMax = 64
        private let ended = DispatchGroup()

        init(name: String) {
            ended.enter()
            let thread = Thread { [self] in
                while let call = take() { call.run() }
                ended.leave()
            }
            thread.name = name
            thread.stackSize = 1 << 20
            thread.start()
        }

        /// - throws: what the body does; ``StoreError/Code/overloaded`` when too many wait.
        func perform<Value: Sendable>(_ body: @escaping @Sendable () throws(StoreError) -> Value)
            async throws(StoreError) -> Value
        {
            let result: Result<Value, StoreError> = await withCheckedContinuation { continuation in
                submit(
                    Call(
                        run: {
                            do throws(StoreError) {
                                continuation.resume(returning: .success(try body()))
                            } catch {
                                continuation.resume(returning: .failure(error))
                            }
                        },
                        refuse: { continuation.resume(returning: .failure($0)) }))
            }
            return try result.get()
        }

        /// Refuses new calls, carries out those that wait, and ends the thread.
        func close() async {
            condition.withLock {
                isClosed = true
                condition.broadcast()
            }
            await withCheckedContinuation { continuation in
                ended.notify(queue: .global()) { continuation.resume() }
            }
        }

        private func submit(_ call: Call) {
            let refusal: StoreError? = condition.withLock {
                if isClosed { return StoreError(.unavailable, "the Kafka log is closed") }
                guard waiting.count < Self.waitingMax else {
                    return StoreError(.overloaded, "\(Self.waitingMax) questions wait for the Kafka brokers")
                }
                waiting.append(call)
                condition.signal()
                return nil
            }
            if let refusal { call.refuse(refusal) }
        }

        private func take() -> Call? {
            condition.withLock {
                while waiting.isEmpty {
                    if isClosed { return nil }
                    condition.wait()
                }
                return waiting.removeFirst()
            }
        }
    }
#endif
