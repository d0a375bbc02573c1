#if SQS
    import Foundation
    import Martlet
    import MartletTestSupport
    import Synchronization
    import Testing

    @testable import SQSEngine

    /// What the broker does with the answers of an endpoint.
    @Suite(.timeLimit(.minutes(5))) struct BrokerTests {
        @Test func `sends ten at a time, each to its priority's queue, with whole seconds of delay`() async throws {
            try await withServer({ $0.usualReply }) { server async throws in
                let now = SystemTimeSource().now()
                let due = notices(25, .high, dueAt: now - .seconds(5))
                let later = notices(1, .low, dueAt: now + .milliseconds(7999))
                let latest = notices(1, .normal, dueAt: now + .seconds(5000))
                try await withBroker(at: server) { broker async throws in
                    try await broker.publish(due + later + latest, now: now)
                }
                let requests = server.requests("SendMessageBatch")
                #expect(requests.filter { $0.queue == "high" }.map(\.entries.count).sorted() == [5, 10, 10])
                let sent = requests.flatMap { request in
                    request.entries.compactMap {
                        JobNotice(encoded: Array(($0["MessageBody"]?.stringValue ?? "").utf8))
                    }
                }
                #expect(Set(sent) == Set(due + later + latest) && sent.count == 27)
                func delays(_ queue: String) -> [Int64?] {
                    requests.filter { $0.queue == queue }.flatMap(\.entries).map { $0["DelaySeconds"]?.integerValue }
                }
                #expect(delays("high").allSatisfy { $0 == 0 })
                // A slow machine takes its time off the delay.
                #expect(delays("low").allSatisfy { (1...7).contains($0 ?? 0) })
                #expect(delays("normal") == [900])
            }
        }

        @Test func `sends again the entries that failed for a while, and those alone`() async throws {
            let count = Counter()
            try await withServer({ request in
                guard request.action == "SendMessageBatch", count.next() == 1 else { return request.usualReply }
                let halves: [Bool: [JSONValue]] = Dictionary(
                    grouping: request.entries.map { entry -> JSONValue in ["Id": entry["Id"] ?? .null] },
                    by: { (Int($0["Id"]?.stringValue ?? "") ?? 0) % 2 == 0 })
                let failed = (halves[false] ?? []).dropLast().map { entry -> JSONValue in
                    ["Id": entry["Id"] ?? .null, "SenderFault": false, "Code": "InternalError"]
                }
                // The last odd one is in neither list.
                return .json(["Successful": .array(halves[true] ?? []), "Failed": .array(failed)])
            }) { server async throws in
                let ten = notices(10)
                try await withBroker(at: server) { broker async throws in
                    try await broker.publish(ten, now: SystemTimeSource().now())
                }
                let requests = server.requests("SendMessageBatch")
                #expect(requests.count == 2)
                let again = requests[1].entries.compactMap {
                    JobNotice(encoded: Array(($0["MessageBody"]?.stringValue ?? "").utf8))
                }
                #expect(again == stride(from: 1, to: 10, by: 2).map { ten[$0] })
                #expect(requests[1].entries.map { $0["Id"] } == ["0", "1", "2", "3", "4"])
            }
        }

        @Test func `throws when entries keep failing, and at once when they cannot succeed`() async throws {
            for (isSenders, code) in [(false, "InternalError"), (true, "InvalidMessageContents")] {
                try await withServer({ request in
                    guard request.action == "SendMessageBatch" else { return request.usualReply }
                    return .json([
                        "Failed": [["Id": "0", "SenderFault": .bool(isSenders), "Code": .string(code)]]
                    ])
                }) { server async throws in
                    let options = hastyOptions { $0.patience = .milliseconds(100) }
                    try await withBroker(at: server, options: options) { broker async throws in
                        let error = await #expect(throws: StoreError.self) { () async throws in
                            try await broker.publish(notices(1), now: SystemTimeSource().now())
                        }
                        #expect(error?.code == .unavailable)
                        #expect(error?.message.contains(code) == true)
                    }
                    let count = server.requests("SendMessageBatch").count
                    #expect(isSenders ? count == 1 : count > 1)
                }
            }
        }

        @Test func `puts dead letters into their own queue`() async throws {
            try await withServer({ $0.usualReply }) { server async throws in
                let letter = DeadLetterNotice(
                    message: ids.next(), channel: ids.next(), reason: "attempts_exhausted", at: Timestamp(seconds: 0))
                try await withBroker(at: server) { broker async throws in
                    try await broker.publishDeadLetters([letter])
                    try await broker.publishDeadLetters([])
                }
                let requests = server.requests("SendMessageBatch")
                #expect(requests.map(\.queue) == ["letters"])
                #expect(
                    requests[0].entries.map { $0["MessageBody"]?.stringValue }
                        == [String(decoding: letter.encoded(), as: UTF8.self)])
            }
        }

        @Test func `puts what cannot be read among the dead letters and deletes it`() async throws {
            let good = notices(1, .high)[0]
            let looks = Counter()
            try await withServer({ request in
                guard request.action == "ReceiveMessage", request.queue == "high", looks.next() == 1 else {
                    return request.usualReply
                }
                return .json([
                    "Messages": [
                        ["ReceiptHandle": "bad", "Body": "no notice"], message(good, "good"),
                        ["Body": "without a handle"],
                        ["ReceiptHandle": "empty"],
                    ]
                ])
            }) { server async throws in
                try await withBroker(at: server) { broker async throws in
                    #expect(try await broker.receive(limit: 5, wait: .zero).map(\.notice) == [good])
                }
                #expect(server.requests("SendMessage").map(\.queue) == ["letters", "letters"])
                #expect(server.requests("SendMessage").map { $0.body["MessageBody"] } == ["no notice", "(empty)"])
                #expect(server.requests("DeleteMessage").map(\.queue) == ["high", "high"])
                #expect(server.requests("DeleteMessage").map { $0.body["ReceiptHandle"] } == ["bad", "empty"])
                let receive = try #require(server.requests("ReceiveMessage").first)
                #expect(receive.body["VisibilityTimeout"] == 90 && receive.body["MaxNumberOfMessages"] == 5)
            }
        }

        /// Lets requests of one kind wait until it is opened.
        private final class Gate: Sendable {
            private let notice = Mutex<JobNotice?>(nil)
            func open(with notice: JobNotice) { self.notice.withLock { $0 = notice } }
            func take() -> JobNotice? {
                notice.withLock { notice in
                    defer { notice = nil }
                    return notice
                }
            }
        }

        @Test func `a wait at a quiet queue holds up no other, and what it brings later is handed out next`()
            async throws
        {
            let low = notices(1, .low)[0]
            let high = notices(1, .high)[0]
            let gate = Gate()
            let lowLooks = Counter()
            try await withServer({ request in
                guard request.action == "ReceiveMessage", request.body["WaitTimeSeconds"] != 0 else {
                    return request.usualReply
                }
                switch request.queue {
                case "low" where lowLooks.next() == 1: return .json(["Messages": [message(low, "low")]])
                case "high":
                    // As a queue that stays empty until the test has it filled.
                    let end = ContinuousClock.now + .seconds(60)
                    var notice = gate.take()
                    while notice == nil, ContinuousClock.now < end {
                        usleep(1000)
                        notice = gate.take()
                    }
                    return .json(notice.map { ["Messages": [message($0, "high")]] } ?? [:])
                default: return request.usualReply
                }
            }) { server async throws in
                try await withBroker(at: server) { broker async throws in
                    #expect(try await broker.receive(limit: 1, wait: .seconds(20)).map(\.notice) == [low])
                    gate.open(with: high)
                    #expect(try await broker.receive(limit: 1, wait: .seconds(20)).map(\.notice) == [high])
                    let looks = server.requests("ReceiveMessage").filter { $0.queue == "high" }
                    #expect(looks.map { $0.body["WaitTimeSeconds"] } == [0, 1])
                }
            }
        }

        @Test func `deletes what was handed out by it, and tries again what was not deleted`() async throws {
            let notice = notices(1)[0]
            let deletes = Counter()
            let looks = Counter()
            try await withServer({ request in
                switch request.action {
                case "ReceiveMessage" where request.queue == "normal" && looks.next() == 1:
                    .json(["Messages": [message(notice, "handle")]])
                case "DeleteMessageBatch" where deletes.next() == 1: .refusal(403, "AccessDenied")
                default: request.usualReply
                }
            }) { server async throws in
                try await withBroker(at: server) { broker async throws in
                    let received = try await broker.receive(limit: 9, wait: .zero)
                    #expect(received.map(\.notice) == [notice])
                    try await broker.acknowledge([DeliveredJob(notice: notice, receipt: "another's")])
                    #expect(deletes.value == 0)
                    await #expect(throws: StoreError.self) { () async throws in try await broker.acknowledge(received) }
                    try await broker.acknowledge(received)
                    try await broker.acknowledge(received)
                }
                let requests = server.requests("DeleteMessageBatch")
                #expect(requests.count == 2)
                #expect(requests.flatMap(\.entries).map { $0["ReceiptHandle"] } == ["handle", "handle"])
                #expect(server.requests("ChangeMessageVisibilityBatch").isEmpty)
            }
        }

        @Test func `closing gives back at once what was not acknowledged`() async throws {
            let three = notices(3)
            let looks = Counter()
            try await withServer({ request in
                guard request.action == "ReceiveMessage", request.queue == "normal", looks.next() == 1 else {
                    return request.usualReply
                }
                return .json(["Messages": .array(three.enumerated().map { message($1, "handle \($0)") })])
            }) { server async throws in
                try await withBroker(at: server) { broker async throws in
                    let received = try await broker.receive(limit: 10, wait: .zero)
                    #expect(received.count == 3)
                    try await broker.acknowledge(Array(received.prefix(1)))
                    await broker.close()
                    await broker.close()
                    let error = await #expect(throws: StoreError.self) { () async throws in try await broker.check() }
                    #expect(error?.code == .unavailable)
                }
                let entries = server.requests("ChangeMessageVisibilityBatch").flatMap(\.entries)
                #expect(Set(entries.map { $0["ReceiptHandle"]?.stringValue }) == ["handle 1", "handle 2"])
                #expect(entries.allSatisfy { $0["VisibilityTimeout"] == 0 })
            }
        }

        @Test func `a receive that is cancelled ends, with none`() async throws {
            try await withServer({ request in
                request.action == "ReceiveMessage" && request.body["WaitTimeSeconds"] != 0
                    ? .silence : request.usualReply
            }) { server async throws in
                let options = hastyOptions { $0.requestTimeout = .milliseconds(500) }
                try await withBroker(at: server, options: options) { broker async throws in
                    let task = Task { try await broker.receive(limit: 1, wait: .seconds(3600)) }
                    while server.requests("ReceiveMessage").count < 6 { await Task.yield() }
                    task.cancel()
                    #expect(try await task.value.isEmpty)
                }
            }
        }
    }
#endif
