#if Redis
    import Martlet
    import Synchronization
    import Testing

    @testable import RedisEngine

    @Suite(.timeLimit(.minutes(5))) struct ThrottleTests {
        private final class CallCount: Sendable {
            private let count = Mutex(0)
            var value: Int { count.withLock { $0 } }
            func add() { count.withLock { $0 += 1 } }
        }

        private func append(_ byte: UInt8, to key: String, in register: any ThrottleRegister) async throws {
            try await register.update([key]) { states, _ in states[0] = (states[0] ?? []) + [byte] }
        }

        private func read(_ key: String, in register: any ThrottleRegister) async throws -> [UInt8]? {
            try await register.update([key]) { states, _ in states[0] }
        }

        @Test func `a state lives for eight days from its last change, and is written only when it changed`()
            async throws
        {
            try await withTestData { data in
                let register = try await data.engine().register
                try await register.update(["first", "second"]) { states, _ in states = [[1], [1]] }
                let lifetime = try await data.command("PTTL %:throttle:first").number ?? 0
                #expect((8 * 86_400_000 - 600_000...8 * 86_400_000).contains(lifetime))
                try await data.command("PEXPIRE %:throttle:first 600000")
                try await register.update(["first", "second"]) { states, _ in states[1] = [2] }
                #expect(try await data.command("PTTL %:throttle:first").number ?? 0 <= 600_000)
                try await register.update(["first", "second"]) { states, _ in states[0] = [2] }
                #expect(try await data.command("PTTL %:throttle:first").number ?? 0 > 600_000)
            }
        }

        @Test func `the clock is the server's, read between the call and its end`() async throws {
            try await withTestData { data in
                func serverTime() async throws -> Int64 {
                    let parts = try await data.command("TIME").list ?? []
                    return ((parts[0].number ?? 0) * 1_000_000 + (parts[1].number ?? 0)) * 1000
                }
                let register = try await data.engine().register
                for _ in 0..<20 {
                    let before = try await serverTime()
                    let now = try await register.update(["any"]) { states, now in
                        states[0] = [UInt8.random(in: 0...255)]
                        return now.nanoseconds
                    }
                    let after = try await serverTime()
                    #expect((before...after).contains(now))
                }
            }
        }

        @Test func `a change that another came before is computed anew, from what that one wrote`() async throws {
            try await withTestData { data in
                let register = try await data.engine().register
                try await append(1, to: "key", in: register)
                let calls = Mutex<[(state: [UInt8]?, now: MonotonicInstant)]>([])
                let (url, key) = (data.url, Array("\(data.prefix):throttle:key".utf8))
                try await register.update(["key"]) { states, now in
                    let isFirst = calls.withLock { calls in
                        calls.append((states[0], now))
                        return calls.count == 1
                    }
                    if isFirst { Self.extend(key, on: url) }
                    states[0] = (states[0] ?? []) + [9]
                }
                let seen = calls.withLock { $0 }
                #expect(seen.map(\.state) == [[1], [1, 7]])
                #expect(seen[1].now > seen[0].now)
                #expect(try await read("key", in: register) == [1, 7, 9])
            }
        }

        @Test func `where others always come before, it gives up and has changed nothing`() async throws {
            try await withTestData { data in
                let register = try await data.engine().register
                try await append(1, to: "key", in: register)
                let (url, key) = (data.url, Array("\(data.prefix):throttle:key".utf8))
                let error = await failure {
                    try await register.update(["key", "other"]) { states, _ in
                        Self.extend(key, on: url)
                        states = [[0], [0]]
                    }
                }
                #expect(error?.code == .unavailable)
                #expect(try await read("other", in: register) == nil)
                let state = try await read("key", in: register) ?? []
                #expect(state.first == 1)
                #expect(Set(state.dropFirst()) == [7])
            }
        }

        @Test func `changes of one process that share a key go in turn, and the others beside them`() async throws {
            try await withTestData { data in
                let register = try await data.engine().register
                let calls = CallCount()
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for task in 0..<40 {
                        group.addTask {
                            try await register.update(["shared", "own-\(task)"]) { states, _ in
                                calls.add()
                                states = [(states[0] ?? []) + [UInt8(task)], [1]]
                            }
                        }
                        group.addTask { try await append(1, to: "alone-\(task)", in: register) }
                    }
                    try await group.waitForAll()
                }
                // Nobody was late.
                #expect(calls.value == 40)
                #expect(Set(try await read("shared", in: register) ?? []) == Set(0..<40))
            }
        }

        @Test func `more changes than may wait are refused as overloaded`() async throws {
            try await withTestData { data in
                let register = try await data.engine { $0.waitingMax = 3 }.register
                let codes = await withTaskGroup(of: StoreError.Code?.self) { group in
                    for _ in 0..<60 {
                        group.addTask { await failure { try await append(1, to: "key", in: register) }?.code }
                    }
                    return await group.reduce(into: [StoreError.Code?]()) { $0.append($1) }
                }
                #expect(codes.allSatisfy { $0 == nil || $0 == .overloaded })
                #expect(codes.contains(.overloaded))
                #expect(try await read("key", in: register)?.count == codes.count { $0 == nil })
            }
        }

        /// Appends a byte to a state as another process may, while this thread waits.
        private static func extend(_ key: [UInt8], on url: String) {
            do {
                let connection = try RedisConnection(try RedisAddress(url: url), options: RedisOptions())
                try connection.send([Array("APPEND".utf8), key, [7]])
                _ = try connection.receive()
            } catch {
                Issue.record(error)
            }
        }

        @Test func `states that a server kept over its restart are not trusted`() async throws {
            try await withPrivateServer { server in
                try await withTestData(on: server.url) { data in
                    let register = try await data.engine().register
                    try await append(1, to: "key", in: register)
                    #expect(try await read("key", in: register) == [1])
                    try await server.kill()
                    try await server.start()
                    #expect(try await data.command("EXISTS %:throttle:key").number == 1)
                    #expect(
                        try await eventually("it is connected anew") { try? await read("key", in: register) == nil })
                    try await append(2, to: "key", in: register)
                    #expect(try await read("key", in: register) == [2])
                }
            }
        }

        @Test func `after everything was flushed, states are missing and can be written`() async throws {
            try await withPrivateServer { server in
                try await withTestData(on: server.url) { data in
                    let register = try await data.engine().register
                    try await append(1, to: "key", in: register)
                    try await data.command("FLUSHALL")
                    #expect(try await read("key", in: register) == nil)
                    try await append(2, to: "key", in: register)
                    #expect(try await read("key", in: register) == [2])
                }
            }
        }

        @Test
        func `a server that falls silent during a change leaves it in doubt, and is waited for no longer than said`()
            async throws
        {
            try await withPrivateServer { server in
                try await withTestData(on: server.url) { data in
                    let register = try await data.engine { $0.commandTimeout = .milliseconds(400) }.register
                    try await append(1, to: "key", in: register)
                    let error = await failure {
                        try await register.update(["key"]) { states, _ in
                            server.freeze()
                            states[0] = (states[0] ?? []) + [2]
                        }
                    }
                    server.thaw()
                    #expect(error?.code == .unavailable)
                    #expect(error?.message.contains("not known") == true)
                    let state = try await eventually("it is connected anew") { try? await read("key", in: register) }
                    // Once or not at all.
                    #expect(state == [1] || state == [1, 2])
                }
            }
        }
    }
#endif
