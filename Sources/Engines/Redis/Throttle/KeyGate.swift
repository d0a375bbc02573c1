#if Redis
    import Martlet
    import Synchronization

    /// Lets the changes of this process that share a key go one after the other, in the order in which they came, so that
    /// they do not take turns in being late for each other at the server.
    final class KeyGate: Sendable {
        private struct Waiting {
            var keys: Set<String>
            var enter: CheckedContinuation<Bool, Never>
        }

        private struct State {
            /// Of those that are inside.
            var busy: Set<String> = []
            var waiting: [Waiting] = []
        }

        private let state = Mutex(State())
        private let waitingMax: Int

        /// - parameter waitingMax: changes that may wait; the next is refused.
        init(waitingMax: Int) { self.waitingMax = waitingMax }

        /// Waits for its turn and runs the body.
        /// - throws: ``StoreError/Code/overloaded`` when too many wait, and what the body throws.
        func pass<Value>(
            _ keys: Set<String>, _ body: () async throws(StoreError) -> Value
        ) async throws(StoreError) -> Value {
            let isAdmitted = await withCheckedContinuation { continuation in
                let answer: Bool? = state.withLock { state in
                    guard state.waiting.count < waitingMax else { return false }
                    state.waiting.append(Waiting(keys: keys, enter: continuation))
                    return nil
                }
                if let answer { continuation.resume(returning: answer) } else { admit() }
            }
            guard isAdmitted else { throw StoreError(.overloaded, "\(waitingMax) calls wait for Redis") }
            defer {
                state.withLock { $0.busy.subtract(keys) }
                admit()
            }
            return try await body()
        }

        /// Lets in whoever shares no key with those inside, or with one who came before and still waits.
        private func admit() {
            let admitted = state.withLock { state in
                var taken = state.busy
                var admitted: [Waiting] = []
                var left: [Waiting] = []
                for waiting in state.waiting {
                    if taken.isDisjoint(with: waiting.keys) {
                        admitted.append(waiting)
                        state.busy.formUnion(waiting.keys)
                    } else {
                        left.append(waiting)
                    }
                    taken.formUnion(waiting.keys)
                }
                state.waiting = left
                return admitted.map(\.enter)
            }
            for continuation in admitted { continuation.resume(returning: true) }
        }
    }
#endif
