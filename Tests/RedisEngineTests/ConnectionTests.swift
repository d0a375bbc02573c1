#if Redis
    import Martlet
    import Testing

    @testable import RedisEngine

    @Suite(.timeLimit(.minutes(5))) struct ConnectionTests {
        @Test func `values come back as they went in`() async throws {
            try await withTestData { data in
                let bytes: [UInt8] = [0, 13, 10, 255, 36]
                let key = Array("\(data.prefix):v".utf8)
                try await data.command([Array("SET".utf8), key, bytes])
                #expect(try await data.command([Array("GET".utf8), key]) == .bytes(bytes))
                try await data.command([Array("SET".utf8), key, []])
                #expect(try await data.command([Array("GET".utf8), key]) == .bytes([]))
                #expect(try await data.command("GET %:none") == .none)
                #expect(try await data.command("EXISTS %:v %:none").number == 1)
                let script = "return {1, {'a', false, {}}, -2}"
                let reply = try await data.command([Array("EVAL".utf8), Array(script.utf8), Array("0".utf8)])
                let inner = RedisReply.list([.bytes(Array("a".utf8)), .none, .list([])])
                #expect(reply == .list([.integer(1), inner, .integer(-2)]))
            }
        }

        @Test func `of many calls at once each gets its own answer`() async throws {
            try await withTestData { data in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for number in 0..<500 {
                        group.addTask { () async throws in
                            #expect(try await data.command("ECHO \(number)") == .bytes(Array("\(number)".utf8)))
                        }
                    }
                    try await group.waitForAll()
                }
            }
        }

        @Test func `an error is that call's alone`() async throws {
            try await withTestData { data in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for number in 0..<100 {
                        group.addTask { () async throws in
                            if number % 3 == 0 {
                                let error = await failure { try await data.command("NONSENSE secret-\(number)") }
                                #expect(error?.code == .unavailable)
                                #expect(error?.message.contains("secret") == false)
                            } else {
                                #expect(try await data.command("ECHO \(number)").text == "\(number)")
                            }
                        }
                    }
                    try await group.waitForAll()
                }
            }
        }

        @Test func `more calls than may wait are refused as overloaded`() async throws {
            try await withTestData { data in
                var options = RedisOptions()
                options.waitingMax = 2
                let link = RedisLink(try RedisAddress(url: data.url), name: "test", options: options)
                let words = ["BLPOP", "\(data.prefix):none", "1"].map { Array($0.utf8) }
                let codes = await withTaskGroup(of: StoreError.Code?.self) { group in
                    for _ in 0..<20 {
                        group.addTask {
                            do throws(RedisFailure) {
                                _ = try await link.perform(words)
                                return nil
                            } catch { return error.storeError.code }
                        }
                    }
                    return await group.reduce(into: [StoreError.Code?]()) { $0.append($1) }
                }
                #expect(codes.contains(.overloaded))
                #expect(codes.contains(nil))
                #expect(codes.allSatisfy { $0 == nil || $0 == .overloaded })
                await link.close()
            }
        }

        @Test func `who calls after the end is told so`() async throws {
            try await withTestData { data in
                let engine = try await data.engine()
                await engine.close()
                for error in [
                    await failure { try await engine.broker.check() },
                    await failure { try await engine.broker.receive(limit: 1, wait: .seconds(1)) },
                    await failure { try await engine.inboxLog.lease(limit: 1, for: .seconds(1), wait: .zero) },
                    await failure { try await engine.inboxLog.check() },
                    await failure { try await engine.register.check() },
                ] { #expect(error?.code == .unavailable) }
            }
        }

        @Test func `a connection that was cut is made anew, and the call does not notice`() async throws {
            try await withPrivateServer { server in
                try await withTestData(on: server.url) { data in
                    let engine = try await data.engine()
                    for number in 1...5 {
                        try await engine.broker.publish(notices(1), now: SystemTimeSource().now())
                        try await engine.inboxLog.append(webhooks(1))
                        try await engine.register.update(["count"]) { states, _ in
                            states[0] = (states[0] ?? []) + [UInt8(number)]
                        }
                        #expect(try await data.command("CLIENT KILL TYPE normal").number ?? 0 >= 3)
                    }
                    #expect(try await engine.broker.receive(limit: 10, wait: .zero).count == 5)
                    #expect(try await engine.inboxLog.depth().waiting == 5)
                    #expect(try await engine.register.update(["count"]) { states, _ in states[0] } == [1, 2, 3, 4, 5])
                }
            }
        }

        @Test func `scripts that the server has forgotten are sent again`() async throws {
            try await withPrivateServer { server in
                try await withTestData(on: server.url) { data in
                    let engine = try await data.engine()
                    for number in 1...3 {
                        try await data.command("SCRIPT FLUSH")
                        let count = try await engine.register.update(["count"]) { states, _ in
                            states[0] = (states[0] ?? []) + [0]
                            return states[0]?.count
                        }
                        #expect(count == number)
                        try await engine.inboxLog.append(webhooks(1))
                    }
                    #expect(try await engine.inboxLog.depth().waiting == 3)
                }
            }
        }
    }
#endif
