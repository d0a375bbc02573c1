#if PostgreSQL
    import EngineConformance
    import Martlet
    import PostgreSQLEngine
    import Testing

    /// What is noted for a broker, and claims of what it delivers.
    @Suite struct OutboxTests {
        private func withOutbox(_ body: (PostgreSQLStore, StoreFixture) async throws -> Void) async throws {
            try await withTemporaryStore(options: testOptions { $0.writesOutbox = true }) { store in
                try await body(store, try await StoreFixture(store))
            }
        }

        private func entries(_ store: PostgreSQLStore, at seconds: Double = 10, limit: Int = 100) async throws
            -> [OutboxEntry]
        {
            let now = StoreFixture.at(seconds)
            return try await store.outbox(dueBefore: now, now: now, limit: limit)
        }

        private func jobs(_ entries: [OutboxEntry]) -> [JobNotice] {
            entries.compactMap { entry in if case .job(let notice) = entry.content { notice } else { nil } }
        }

        @Test func `a message and its entry are one transaction`() async throws {
            try await withOutbox { store, fixture in
                let message = try await fixture.accept(fixture.message { $0.priority = .high })
                let notices = jobs(try await entries(store))
                #expect(
                    notices == [
                        JobNotice(
                            message: message.id, channel: fixture.channel, priority: .high, dueAt: message.createdAt)
                    ])
                #expect(try await store.outboxDepth() == 1)
            }
        }

        @Test func `nothing is noted where there is no broker`() async throws {
            try await withTemporaryStore { store in
                let fixture = try await StoreFixture(store)
                try await fixture.accept(fixture.message())
                #expect(try await store.outboxDepth() == 0)
            }
        }

        @Test func `what is published and taken out does not come again, and the rest does`() async throws {
            try await withOutbox { store, fixture in
                for _ in 0..<3 { try await fixture.accept(fixture.message()) }
                let first = try await entries(store)
                #expect(first.count == 3)
                try await store.removeFromOutbox(first.prefix(2).map(\.number))
                #expect(try await entries(store) == Array(first.suffix(1)))
            }
        }

        @Test func `a job that was claimed meanwhile is outdated, and a retry is noted anew`() async throws {
            try await withOutbox { store, fixture in
                try await fixture.accept(fixture.message())
                let claim = try #require(try await fixture.claim(at: 1).claims.first)
                #expect(try await entries(store).map(\.content) == [.outdated])
                let retryAt = StoreFixture.at(60)
                _ = try await store.settle(
                    [
                        Settlement(
                            message: claim.message.id, token: claim.token, attempt: 1, report: nil,
                            disposition: .retry(at: retryAt))
                    ], now: StoreFixture.at(2))
                #expect(jobs(try await entries(store, at: 10)).isEmpty)
                #expect(jobs(try await entries(store, at: 60)).map(\.dueAt) == [retryAt])
            }
        }

        @Test func `a dead letter is noted with its reason's code alone`() async throws {
            try await withOutbox { store, fixture in
                try await fixture.accept(fixture.message())
                let claim = try #require(try await fixture.claim(at: 1).claims.first)
                _ = try await store.settle(
                    [
                        Settlement(
                            message: claim.message.id, token: claim.token, attempt: 1, report: nil,
                            disposition: .fail(ErrorReason(.invalidRecipient, "the provider's words")))
                    ], now: StoreFixture.at(2))
                let letters = try await entries(store).compactMap { entry in
                    if case .deadLetter(let letter) = entry.content { letter } else { nil }
                }
                #expect(
                    letters == [
                        DeadLetterNotice(
                            message: claim.message.id, channel: fixture.channel,
                            reason: ErrorReason.Code.invalidRecipient.text, at: StoreFixture.at(2))
                    ])
            }
        }

        @Test func `who comes last need not wait behind all that a neighbour left`() async throws {
            try await withOutbox { store, fixture in
                for second in 0..<50 { try await fixture.accept(fixture.message(at: Double(second))) }
                let neighbour = try await fixture.addChannel(named: "neighbour")
                let last = try await fixture.accept(fixture.message(channel: neighbour, at: 50))
                let notices = jobs(try await entries(store, at: 60, limit: 16))
                #expect(notices.count == 16)
                #expect(notices.contains { $0.message == last.id })
            }
        }

        @Test func `only what was delivered is claimed, each once, in the order of priority`() async throws {
            try await withOutbox { store, fixture in
                var messages: [Message] = []
                for priority in [Priority.low, .high, .normal, .normal] {
                    messages.append(try await fixture.accept(fixture.message { $0.priority = priority }))
                }
                let later = try await fixture.accept(fixture.message { $0.sendAt = StoreFixture.at(100) })
                let once = [messages[0].id, messages[1].id, messages[3].id, later.id, fixture.message().id]
                let wanted = once + once
                func claim() async throws -> ClaimBatch {
                    let batches = try await store.claim(
                        [ClaimRequest(channel: fixture.channel, limit: 10)], among: [fixture.channel: wanted],
                        worker: "worker-1", now: StoreFixture.at(1), leaseUntil: StoreFixture.at(31))
                    return try #require(batches.first)
                }
                let batch = try await claim()
                #expect(batch.claims.map(\.message.id) == [messages[1].id, messages[3].id, messages[0].id])
                #expect(batch.nextDueAt == nil)
                #expect(try await claim().claims.isEmpty)
                #expect(try await fixture.claim(at: 2).claims.map(\.message.id) == [messages[2].id])
            }
        }
    }
#endif
