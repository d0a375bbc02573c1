#if Redis
    import Martlet
    import Testing

    @testable import RedisEngine

    @Suite(.timeLimit(.minutes(5))) struct SetUpTests {
        private var now: Timestamp { SystemTimeSource().now() }

        private func open(_ url: String) async -> StoreError? {
            await failure {
                let engine = try await RedisEngine.open(url: url, prefix: "test")
                await engine.close()
            }
        }

        @Test func `signs in, and says when it may not`() async throws {
            let user = "--user alice on >wonder ~* &* +@all".split(separator: " ").map(String.init)
            try await withPrivateServer(["--requirepass", "open sesame"] + user) { server in
                let place = server.url.dropFirst("redis://".count)
                #expect(await open("redis://:open%20sesame@\(place)") == nil)
                #expect(await open("redis://alice:wonder@\(place)") == nil)
                for url in [
                    "redis://:sesame@\(place)", "redis://alice:sesame@\(place)", "redis://bob:wonder@\(place)",
                    server.url,
                ] {
                    let error = await open(url)
                    #expect(error?.code == .unavailable)
                    #expect(error?.message.contains("user and password") == true)
                    #expect(error?.message.contains("sesame") == false)
                }
            }
        }

        @Test func `a password that the server does not ask for is refused without being shown`() async throws {
            try await withPrivateServer { server in
                let error = await open("redis://:sesame@127.0.0.1:\(server.port)")
                #expect(error?.code == .unavailable)
                #expect(error?.message.contains("sesame") == false)
            }
        }

        @Test func `keeps to the database that the URL names`() async throws {
            try await withPrivateServer { server in
                let engine = try await RedisEngine.open(url: "\(server.url)/3", prefix: "test")
                try await engine.inboxLog.append(webhooks(1))
                await engine.close()
                try await withTestData(on: "\(server.url)/3") { data async throws in
                    #expect(try await data.command("EXISTS test:inbox").number == 1)
                }
                try await withTestData(on: server.url) { data async throws in
                    #expect(try await data.command("DBSIZE").number == 0)
                }
                #expect(await open("\(server.url)/99")?.code == .unusable)
            }
        }

        @Test func `refuses a server of a cluster`() async throws {
            try await withPrivateServer(["--cluster-enabled", "yes"]) { server in
                let error = await open(server.url)
                #expect(error?.code == .unusable)
                #expect(error?.message.contains("Cluster") == true)
            }
        }

        @Test func `says that nobody is there`() async throws {
            let server = try PrivateServer([])
            let error = await open(server.url)
            try await server.remove()
            #expect(error?.code == .unavailable)
            #expect(error?.remedy != nil)
        }

        @Test(arguments: ["", "a b", "pre{fix}", "ä", "new\nline", "star*", String(repeating: "x", count: 65)])
        func `refuses a prefix that is no plain word`(_ prefix: String) async throws {
            let url = try TestServer.url()
            #expect(await failure { try await RedisEngine.open(url: url, prefix: prefix) }?.code == .unusable)
        }

        @Test func `warns of what loses webhooks`() async throws {
            try await withPrivateServer { server in
                try await withTestData(on: server.url) { data in
                    let engine = try await data.engine()
                    #expect(try await engine.warnings(keepsInbox: true).isEmpty)
                    try await data.command("CONFIG SET appendfsync everysec")
                    let behind = try await engine.warnings(keepsInbox: true)
                    #expect(behind.count == 1)
                    #expect(behind.first?.contains("appendfsync to always") == true)
                    try await data.command("CONFIG SET maxmemory-policy allkeys-lru")
                    #expect(try await engine.warnings(keepsInbox: true).count == 2)
                    #expect(try await engine.warnings(keepsInbox: false).count == 1)
                    try await data.command("CONFIG SET appendonly no")
                    let none = try await engine.warnings(keepsInbox: true)
                    #expect(none.count == 2)
                    #expect(none.first?.contains("no append-only file") == true)
                    #expect(none.last?.contains("allkeys-lru") == true)
                }
            }
        }

        @Test func `says when a user may not see how webhooks are kept`() async throws {
            let options = "--appendonly yes --appendfsync always --user bob on >builder ~* &* +@all -config"
            try await withPrivateServer(options.split(separator: " ").map(String.init)) { server in
                let engine = try await RedisEngine.open(
                    url: "redis://bob:builder@127.0.0.1:\(server.port)", prefix: "test")
                let warnings = try await engine.warnings(keepsInbox: true)
                #expect(warnings.count == 1)
                #expect(warnings.first?.contains("does not tell") == true)
                await engine.close()
            }
        }

        @Test func `a user suffices who has the rights that the documentation names, and fewer are named as too few`()
            async throws
        {
            let rights = "+@read +@write +@scripting +@connection +info +time +config|get"
            let options =
                "--appendonly yes --appendfsync always --user martlet on >wonder ~test:* \(rights)"
                + " --user reader on >wonder ~test:* +@read +@scripting +@connection +info +time"
            try await withPrivateServer(options.split(separator: " ").map(String.init)) { server in
                let place = "127.0.0.1:\(server.port)"
                let engine = try await RedisEngine.open(url: "redis://martlet:wonder@\(place)/1", prefix: "test")
                #expect(try await engine.warnings(keepsInbox: true).isEmpty)
                try await engine.register.check()
                try await engine.register.update(["key"]) { states, _ in states[0] = [1] }
                try await engine.broker.check()
                try await engine.broker.publish(notices(1), now: now)
                let jobs = try await engine.broker.receive(limit: 1, wait: .seconds(5))
                #expect(jobs.count == 1)
                try await engine.broker.acknowledge(jobs)
                #expect(try await engine.broker.receive(limit: 1, wait: .milliseconds(50)).isEmpty)
                try await engine.inboxLog.check()
                try await engine.inboxLog.append(webhooks(1))
                let leased = try await engine.inboxLog.lease(limit: 1, for: .seconds(5), wait: .seconds(5))
                try await engine.inboxLog.complete(leased.map(\.sequence))
                #expect(try await engine.inboxLog.depth().waiting == 0)
                await engine.close()

                let reader = try await RedisEngine.open(url: "redis://reader:wonder@\(place)", prefix: "test")
                #expect(await failure { try await reader.broker.check() }?.code == .unusable)
                #expect(await failure { try await reader.inboxLog.append(webhooks(1)) }?.code == .unusable)
                await reader.close()
            }
        }

        /// What an operator does to the server, what is said then, and how it is undone.
        private static let hindrances = [
            ("CONFIG SET maxmemory 1", "maxmemory", "CONFIG SET maxmemory 0"),
            ("REPLICAOF 127.0.0.1 1", "primary", "REPLICAOF NO ONE"),
            ("CONFIG SET min-replicas-to-write 1", "", "CONFIG SET min-replicas-to-write 0"),
        ]

        @Test(arguments: hindrances)
        func `a server that cannot write now is unavailable, and is used again when it can`(
            _ hindrance: String, _ remedy: String, _ relief: String
        ) async throws {
            try await withPrivateServer { server in
                try await withTestData(on: server.url) { data in
                    let engine = try await data.engine { $0.pauseMax = .milliseconds(100) }
                    try await engine.inboxLog.append(webhooks(1))
                    try await data.command(hindrance)
                    for error in [
                        await failure { try await engine.inboxLog.append(webhooks(1, from: 1)) },
                        await failure { try await engine.inboxLog.check() },
                        await failure { try await engine.broker.publish(notices(1), now: now) },
                        await failure { try await engine.broker.check() },
                        await failure { try await engine.register.update(["key"]) { states, _ in states[0] = [1] } },
                        await failure { try await engine.register.check() },
                    ] {
                        #expect(error?.code == .unavailable)
                        if !remedy.isEmpty { #expect(error?.remedy?.contains(remedy) == true) }
                    }
                    try await data.command(relief)
                    _ = try await eventually("it can write again") {
                        try? await engine.inboxLog.append(webhooks(1, from: 1))
                    }
                    #expect(try await engine.inboxLog.depth().waiting == 2)
                    _ = try await eventually("it can write again") { try? await engine.broker.check() }
                    _ = try await eventually("it can write again") { try? await engine.register.check() }
                }
            }
        }
    }
#endif
