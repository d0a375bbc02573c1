#if SQS
    import Martlet
    import MartletTestSupport
    import Testing

    @testable import SQSEngine

    /// What goes over the wire, and how refusals and failures are taken.
    @Suite(.timeLimit(.minutes(5))) struct RequestTests {
        @Test func `signs each request over what is sent`() async throws {
            try await withServer({ $0.usualReply }) { server async throws in
                let keys = TestServer.keys.merging(["AWS_SESSION_TOKEN": "token"]) { $1 }
                try await withBroker(at: server, keys: keys) { broker async throws in
                    try await broker.publish(notices(1), now: .init(seconds: 0))
                }
                let credentials = try SQSCredentials(environment: keys)
                let signature = SignatureV4(credentials: credentials, region: "us-east-1")
                #expect(server.requests.count >= 5)
                for request in server.requests {
                    #expect(request.method == "POST" && request.path == "/")
                    #expect(request.header("host") == "127.0.0.1:\(server.port)")
                    #expect(request.header("content-type") == "application/x-amz-json-1.0")
                    #expect(request.header("x-amz-security-token") == "token")
                    let date = try #require(request.header("x-amz-date"))
                    let moment = try #require(Self.moment(date))
                    let signed = ["content-type", "host", "x-amz-date", "x-amz-security-token", "x-amz-target"]
                    let input = SignatureV4.Input(
                        method: "POST", headers: request.headers.filter { signed.contains($0.name) },
                        body: request.bytes)
                    #expect(request.header("authorization") == signature.authorization(for: input, at: moment))
                    #expect(request.header("authorization")?.contains(signed.joined(separator: ";")) == true)
                }
            }
        }

        /// Reads what `x-amz-date` has.
        static func moment(_ text: String) -> Timestamp? {
            let digits = text.filter(\.isNumber).map(String.init)
            guard digits.count == 14 else { return nil }
            func part(_ range: Range<Int>) -> String { digits[range].joined() }
            return Timestamp(
                rfc3339:
                    "\(part(0..<4))-\(part(4..<6))-\(part(6..<8))T\(part(8..<10)):\(part(10..<12)):\(part(12..<14))Z")
        }

        @Test(
            arguments: [
                .refusal(400, "RequestThrottled"), .refusal(400, "KmsThrottled"), .answer(429, "slow down"),
                .answer(500, "<html>"), .answer(503, ""), .answer(200, "<html>"), .closeAfterReading,
                .answer(
                    403, headers: ["x-amzn-query-error": "AWS.SimpleQueueService.RequestThrottled;Sender"], "<xml>"),
            ] as [ScriptedServer.Reply])
        func `tries again what failed for a while`(_ failure: ScriptedServer.Reply) async throws {
            let count = Counter()
            try await withServer({ request in
                request.action == "SendMessageBatch" && count.next() <= 3 ? failure : request.usualReply
            }) { server async throws in
                try await withBroker(at: server) { broker async throws in
                    try await broker.publish(notices(1), now: SystemTimeSource().now())
                }
                #expect(count.value == 4)
            }
        }

        @Test func `gives up after a while, and works again as soon as the service does`() async throws {
            let isWell = Counter()
            try await withServer({ request in
                request.action == "SendMessageBatch" && isWell.value == 0 ? .answer(500, "") : request.usualReply
            }) { server async throws in
                try await withBroker(at: server, options: hastyOptions { $0.patience = .milliseconds(100) }) {
                    broker async throws in
                    let error = await #expect(throws: StoreError.self) { () async throws in
                        try await broker.publish(notices(1), now: SystemTimeSource().now())
                    }
                    #expect(error?.code == .unavailable)
                    #expect(error?.isRetriable == true)
                    isWell.next()
                    try await broker.publish(notices(1), now: SystemTimeSource().now())
                }
            }
        }

        @Test func `an endpoint that falls silent is given up, too`() async throws {
            try await withServer({ $0.action == "SendMessageBatch" ? .silence : $0.usualReply }) {
                server async throws in
                let options = hastyOptions {
                    $0.patience = .milliseconds(100)
                    $0.requestTimeout = .milliseconds(300)
                }
                try await withBroker(at: server, options: options) { broker async throws in
                    let error = await #expect(throws: StoreError.self) { () async throws in
                        try await broker.publish(notices(1), now: SystemTimeSource().now())
                    }
                    #expect(error?.code == .unavailable)
                }
            }
        }

        @Test func `an endpoint that is away is said to be, and used again when it is back`() async throws {
            let first = ScriptedServer { $0.usualReply }
            defer { first.stop() }
            let options = hastyOptions { $0.patience = .milliseconds(100) }
            try await withBroker(at: first, options: options) { broker async throws in
                first.stop()
                for _ in 0..<2 {
                    let sent = await #expect(throws: StoreError.self) { () async throws in
                        try await broker.publish(notices(1), now: SystemTimeSource().now())
                    }
                    #expect(sent?.code == .unavailable)
                    let received = await #expect(throws: StoreError.self) { () async throws in
                        try await broker.receive(limit: 1, wait: .milliseconds(10))
                    }
                    #expect(received?.code == .unavailable)
                    await #expect(throws: StoreError.self) { () async throws in try await broker.check() }
                }
                let second = ScriptedServer(port: first.port) { $0.usualReply }
                defer { second.stop() }
                try await broker.check()
                try await broker.publish(notices(1), now: SystemTimeSource().now())
                #expect(try await broker.receive(limit: 1, wait: .zero).isEmpty)
                #expect(second.requests("SendMessageBatch").count == 1)
            }
        }

        @Test(arguments: ["InvalidSignatureException", "RequestTimeTooSkewed", "SignatureDoesNotMatch"])
        func `signs by the service's clock when that is far from the machine's`(_ code: String) async throws {
            let ahead = Duration.seconds(7200)
            let refused = Counter()
            try await withServer({ request in
                let now = SystemTimeSource().now() + ahead
                let moment = request.header("x-amz-date").flatMap(Self.moment) ?? Timestamp(seconds: 0)
                guard now - moment > .seconds(300) else { return request.usualReply }
                refused.next()
                return .refusal(403, code, headers: ["Date": Self.httpDate(now)])
            }) { server async throws in
                try await withBroker(at: server) { broker async throws in
                    try await broker.publish(notices(1), now: SystemTimeSource().now())
                }
                #expect(refused.value == 1)
                #expect(server.requests("SendMessageBatch").count == 1)
            }
        }

        private static func httpDate(_ moment: Timestamp) -> String {
            let text = Array(moment.description)
            let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
            let month = months[(Int(String(text[5..<7])) ?? 1) - 1]
            return "Mon, \(String(text[8..<10])) \(month) \(String(text[..<4])) \(String(text[11..<19])) GMT"
        }

        @Test(arguments: ["InvalidClientTokenId", "SignatureDoesNotMatch", "AccessDenied", "ExpiredToken"])
        func `says that the keys are wrong, and nothing of them`(_ code: String) async throws {
            let now = SystemTimeSource().now()
            try await withServer({ request in
                .refusal(
                    403, code, code.hasPrefix("Signature") ? "should have been x-amz-security-token:hunter2" : "no",
                    headers: ["Date": Self.httpDate(now)])
            }) { server async throws in
                let error = await #expect(throws: StoreError.self) { () async throws in
                    try await withBroker(at: server) { _ in }
                }
                #expect(error?.code == .unavailable)
                #expect(error?.message.contains(code) == true)
                #expect(error?.message.contains("hunter2") == false)
                #expect(error?.message.hasPrefix("GetQueueUrl failed") == true)
                #expect(error?.remedy?.contains("AWS_SECRET_ACCESS_KEY") == true)
                #expect(server.requests.count == 1)
            }
        }
    }
#endif
