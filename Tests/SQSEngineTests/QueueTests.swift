#if SQS
    import Martlet
    import MartletTestSupport
    import Testing

    @testable import SQSEngine

    /// How the queues are found and made.
    @Suite(.timeLimit(.minutes(5))) struct QueueTests {
        @Test func `makes what is missing, the dead letters' queue first`() async throws {
            try await withServer({ request in
                request.action == "GetQueueUrl" ? .refusal(400, "QueueDoesNotExist") : request.usualReply
            }) { server async throws in
                try await withBroker(at: server) { _ in }
                let created = server.requests("CreateQueue").map(\.body)
                #expect(
                    created.map { $0["QueueName"] }
                        == ["test-dead-letters", "test-high", "test-normal", "test-low"])
                #expect(created[0]["Attributes"] == ["MessageRetentionPeriod": "1209600"])
                for queue in created.dropFirst() {
                    #expect(
                        queue["Attributes"]
                            == [
                                "MessageRetentionPeriod": "345600", "MaximumMessageSize": "4096",
                                "VisibilityTimeout": "90",
                                "RedrivePolicy":
                                    #"{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:1:letters","maxReceiveCount":20}"#,
                            ])
                }
            }
        }

        @Test func `takes queues that somebody else made meanwhile as they are`() async throws {
            let looks = Counter()
            try await withServer({ request in
                switch request.action {
                case "GetQueueUrl" where looks.next() % 2 == 1: .refusal(400, "QueueDoesNotExist")
                case "CreateQueue": .refusal(400, "QueueNameExists")
                default: request.usualReply
                }
            }) { server async throws in
                try await withBroker(at: server) { _ in }
                #expect(looks.value == 8)
            }
        }

        @Test func `says what to do when there are no queues and it may not make them`() async throws {
            try await withServer({ request in
                switch request.action {
                case "GetQueueUrl": .refusal(400, "QueueDoesNotExist")
                default: .refusal(403, "AccessDenied")
                }
            }) { server async throws in
                let error = await #expect(throws: StoreError.self) { () async throws in
                    try await withBroker(at: server) { _ in }
                }
                #expect(error?.code == .unavailable)
                #expect(error?.message.contains("CreateQueue failed, AccessDenied") == true)
                #expect(error?.message.contains("test-dead-letters") == true)
                #expect(error?.remedy?.contains("sqs:CreateQueue") == true)
            }
        }

        @Test func `makes queues again that were deleted`() async throws {
            let sent = Counter()
            let created = Counter()
            try await withServer({ request in
                switch request.action {
                case "SendMessageBatch" where sent.next() == 1: .refusal(400, "QueueDoesNotExist")
                case "GetQueueUrl" where sent.value > 0 && created.value < 2: .refusal(400, "QueueDoesNotExist")
                case "CreateQueue":
                    {
                        created.next()
                        return request.usualReply
                    }()
                default: request.usualReply
                }
            }) { server async throws in
                try await withBroker(at: server) { broker async throws in
                    try await broker.publish(notices(1), now: SystemTimeSource().now())
                }
                #expect(server.requests("CreateQueue").map(\.queue) == ["letters", "normal"])
                #expect(sent.value == 2)
            }
        }

        @Test func `the check asks after every queue`() async throws {
            let isDenied = Counter()
            try await withServer({ request in
                request.action == "GetQueueAttributes" && request.queue == "low" && isDenied.value > 0
                    ? .refusal(403, "AccessDenied", "not for you") : request.usualReply
            }) { server async throws in
                try await withBroker(at: server) { broker async throws in
                    try await broker.check()
                    #expect(
                        Set(server.requests("GetQueueAttributes").map(\.queue)) == ["high", "normal", "low", "letters"])
                    isDenied.next()
                    let error = await #expect(throws: StoreError.self) { () async throws in try await broker.check() }
                    #expect(error?.code == .unavailable)
                    #expect(error?.message.contains("not for you") == true)
                    #expect(error?.remedy?.contains("sqs:GetQueueAttributes") == true)
                }
            }
        }
    }
#endif
