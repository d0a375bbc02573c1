#if SQS
    import Martlet
    import Testing

    @testable import SQSEngine

    /// The engine against a server that plays SQS, as far as the port's promises do not say it.
    @Suite(.timeLimit(.minutes(5))) struct ServerTests {
        private func attempts() -> Persistence { Persistence(options()) }

        @Test func `makes its queues so that what does no good ends among the dead letters`() async throws {
            try await withBroker { broker, _ async throws in
                for queue in JobQueue.byPriority {
                    let answer = try await broker.queues.call(
                        "GetQueueAttributes", on: queue, ["AttributeNames": ["All"]], persistence: attempts())
                    let attributes = try #require(answer["Attributes"])
                    #expect(attributes["VisibilityTimeout"] == "90")
                    let policy = try JSONParser.value(attributes["RedrivePolicy"]?.stringValue ?? "")
                    #expect(policy["deadLetterTargetArn"]?.stringValue?.hasSuffix("-dead-letters") == true)
                }
            }
        }

        @Test func `what cannot be read is found among the dead letters, and comes no more`() async throws {
            try await withBroker { broker, _ async throws in
                for (index, queue) in JobQueue.byPriority.enumerated() {
                    _ = try await broker.queues.call(
                        "SendMessage", on: queue, ["MessageBody": .string("no notice \(index)\u{1F4EC}\"\n")],
                        persistence: attempts())
                }
                #expect(try await broker.receive(limit: 10, wait: .seconds(1)).isEmpty)
                var letters: Set<String> = []
                for _ in 0..<20 where letters.count < 3 {
                    let answer = try await broker.queues.call(
                        "ReceiveMessage", on: .deadLetters, ["MaxNumberOfMessages": 10, "WaitTimeSeconds": 1],
                        waiting: .seconds(1), persistence: attempts())
                    for message in answer["Messages"]?.arrayValue ?? [] {
                        letters.insert(message["Body"]?.stringValue ?? "")
                    }
                }
                #expect(letters == Set((0..<3).map { "no notice \($0)\u{1F4EC}\"\n" }))
                for queue in JobQueue.byPriority {
                    let answer = try await broker.queues.call(
                        "GetQueueAttributes", on: queue, ["AttributeNames": ["All"]], persistence: attempts())
                    #expect(answer["Attributes"]?["ApproximateNumberOfMessages"] == "0")
                    #expect(answer["Attributes"]?["ApproximateNumberOfMessagesNotVisible"] == "0")
                }
            }
        }

        @Test func `goes on when its queues were deleted under it`() async throws {
            try await withBroker { broker, _ async throws in
                for queue in JobQueue.allCases {
                    _ = try await broker.queues.call("DeleteQueue", on: queue, [:], persistence: attempts())
                }
                let some = notices(2, .high)
                try await broker.publish(some, now: SystemTimeSource().now())
                try await broker.check()
                let received = try await broker.receive(limit: 2, wait: .seconds(10))
                #expect(Set(received.map(\.notice)) == Set(some))
            }
        }
    }
#endif
