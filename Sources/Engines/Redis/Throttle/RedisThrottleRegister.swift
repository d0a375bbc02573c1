#if Redis
    import Martlet

    /// The throttle's states in keys of their own, changed by comparing and swapping.
    ///
    /// A change is computed here, from states and the server's time that one script read together. A second script compares
    /// what it was computed from with what is there, all keys at once: if nothing changed, the new states are written, so that
    /// the change happened as a whole after the moment whose time it was given; otherwise the same script answers with
    /// the newer states and their time, and the change is computed anew.
    ///
    /// A state is written together with the `run_id` of the server that it was written to, and is taken for missing on another.
    /// A server that was restarted, or a replica that took over, may have lost the last writes: with an older state, the same
    /// tokens would be given out twice.
    final class RedisThrottleRegister: ThrottleRegister {
        private let link: RedisLink
        private let gate: KeyGate
        private let prefix: String
        private let lifetime: [UInt8]

        /// One process has one try at a time on a key, and of all one succeeds each time: only a fault uses so many up.
        private static let triesMax = 200
        /// Tries that follow each other at once, which are the better ones: the states are as new as can be.
        private static let triesAtOnce = 20

        init(_ address: RedisAddress, prefix: String, options: RedisOptions) {
            link = RedisLink(address, name: "redis-throttle", options: options)
            gate = KeyGate(waitingMax: options.waitingMax)
            self.prefix = "\(prefix):throttle:"
            lifetime = Array(decimal: options.stateLifetime.milliseconds)
        }

        /// States as the server had them at one moment.
        private struct Snapshot {
            var serverRun: String
            var now: MonotonicInstant
            /// With what stands before each state.
            var stored: [[UInt8]?]

            /// Without that, and without those of another run.
            func states() -> [[UInt8]?] {
                let label = Snapshot.label(serverRun)
                return stored.map { bytes in
                    guard let bytes, bytes.starts(with: label) else { return nil }
                    return Array(bytes.dropFirst(label.count))
                }
            }

            static func label(_ serverRun: String) -> [UInt8] { Array("\(serverRun)\n".utf8) }
        }

        func update<Answer: Sendable>(
            _ keys: [String],
            _ change: @escaping @Sendable (_ states: inout [[UInt8]?], _ now: MonotonicInstant) -> Answer
        ) async throws(StoreError) -> Answer {
            try await gate.pass(Set(keys)) { () async throws(StoreError) in
                try await swapUntilKept(keys.map { prefix + $0 }, change)
            }
        }

        private func swapUntilKept<Answer: Sendable>(
            _ names: [String],
            _ change: @Sendable (_ states: inout [[UInt8]?], _ now: MonotonicInstant) -> Answer
        ) async throws(StoreError) -> Answer {
            var snapshot = try await readOut(names)
            for number in 1...Self.triesMax {
                let before = snapshot.states()
                var after = before
                let answer = change(&after, snapshot.now)
                precondition(after.count == names.count, "a change keeps the number of states")
                guard before != after else { return answer }
                guard let newer = try await swap(names, snapshot, before: before, after: after) else { return answer }
                snapshot = newer
                if number > Self.triesAtOnce {
                    // Whoever was in the way is given a moment; a cancelled task goes on without it.
                    try? await Task.sleep(for: .milliseconds(Int.random(in: 1...10)))
                    snapshot = try await readOut(names)
                }
            }
            throw StoreError(.unavailable, "the throttle's states in Redis are changed by too many at once")
        }

        func check() async throws(StoreError) {
            do throws(RedisFailure) {
                _ = try await link.run(Self.probe, keys: ["\(prefix)probe"], [])
            } catch {
                throw error.storeError
            }
        }

        func close() async { await link.close() }

        private func readOut(_ names: [String]) async throws(StoreError) -> Snapshot {
            do throws(RedisFailure) {
                let answer = try await link.run(Self.reading, keys: names, [])
                return try Self.snapshot(answer, count: names.count)
            } catch {
                throw error.storeError
            }
        }

        /// Nil when the new states are kept, else what is there instead of the old ones.
        private func swap(
            _ names: [String], _ snapshot: Snapshot, before: [[UInt8]?], after: [[UInt8]?]
        ) async throws(StoreError) -> Snapshot? {
            let label = Snapshot.label(snapshot.serverRun)
            var arguments = [lifetime]
            for (index, stored) in snapshot.stored.enumerated() {
                arguments.append(stored.map { [UInt8(ascii: "+")] + $0 } ?? [UInt8(ascii: "-")])
                if before[index] == after[index] {
                    arguments.append([UInt8(ascii: "=")])
                } else {
                    arguments.append(after[index].map { [UInt8(ascii: "+")] + label + $0 } ?? [UInt8(ascii: "-")])
                }
            }
            do throws(RedisFailure) {
                // Not repeated when the connection breaks: it may have been done, and would then look like somebody else's.
                let answer = try await link.run(Self.swapping, keys: names, arguments, isRepeatable: false)
                if case .integer = answer.reply { return nil }
                return try Self.snapshot(answer, count: names.count)
            } catch {
                var failure = error.storeError
                if case .connectionLost = error { failure.message += "; whether the states were changed is not known" }
                throw failure
            }
        }

        private static func snapshot(_ answer: RedisAnswer, count: Int) throws(RedisFailure) -> Snapshot {
            guard let list = answer.reply.list, list.count == count + 2, let seconds = list[0].number,
                let microseconds = list[1].number
            else { throw .refused("ERR an answer of an unexpected form") }
            return Snapshot(
                serverRun: answer.serverRun,
                now: MonotonicInstant(nanoseconds: (seconds * 1_000_000 + microseconds) * 1000),
                stored: list[2...].map(\.bytes))
        }

        private static let reading = Script(
            "throttle-read",
            """
            local time = redis.call('TIME')
            local answer = {time[1], time[2]}
            for index, key in ipairs(KEYS) do answer[index + 2] = redis.call('GET', key) end
            return answer
            """)

        /// ARGV: the lifetime in milliseconds; then for each key what it is held against and what it becomes, each with a sign:
        /// `+` a value, `-` none, `=` stays. A state that stays keeps its lifetime, too, so that states end in the order
        /// in which they were written.
        private static let swapping = Script(
            "throttle-swap",
            """
            local time = redis.call('TIME')
            local answer = {time[1], time[2]}
            local holds = true
            for index, key in ipairs(KEYS) do
                local value = redis.call('GET', key)
                answer[index + 2] = value
                if (value and '+' .. value or '-') ~= ARGV[index * 2] then holds = false end
            end
            if not holds then return answer end
            for index, key in ipairs(KEYS) do
                local state = ARGV[index * 2 + 1]
                local sign = string.sub(state, 1, 1)
                if sign == '+' then redis.call('SET', key, string.sub(state, 2), 'PX', ARGV[1]) end
                if sign == '-' then redis.call('DEL', key) end
            end
            return 1
            """)

        private static let probe = Script(
            "throttle-probe",
            """
            redis.call('SET', KEYS[1], '1', 'PX', 60000)
            return redis.call('GET', KEYS[1])
            """)
    }
#endif
