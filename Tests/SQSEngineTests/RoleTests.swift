#if SQS
    import AsyncHTTPClient
    import Martlet
    import MartletTestSupport
    import Testing

    @testable import SQSEngine

    /// Keys that are not in the environment, but come from the role of a container or an instance.
    @Suite(.timeLimit(.minutes(5))) struct RoleTests {
        private static func keys(_ number: Int, endIn duration: Duration = .seconds(3600)) -> ScriptedServer.Reply {
            .json([
                "Code": "Success", "AccessKeyId": .string("AKID\(number)"), "SecretAccessKey": "secret",
                "Token": .string("token\(number)"),
                "Expiration": .string((SystemTimeSource().now() + duration).description),
            ])
        }

        @Test func `asks a container's address once, with its token`() async throws {
            try await withServer({ request in
                request.path == "/keys?id=1" ? Self.keys(1) : request.usualReply
            }) { server async throws in
                let environment = [
                    "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:\(server.port)/keys?id=1",
                    "AWS_CONTAINER_AUTHORIZATION_TOKEN": "Basic hunter2",
                ]
                try await withBroker(at: server, keys: environment) { broker async throws in
                    try await broker.publish(notices(1), now: SystemTimeSource().now())
                }
                let asked = server.requests.filter { $0.path == "/keys?id=1" }
                #expect(asked.map(\.method) == ["GET"])
                #expect(asked.map { $0.header("authorization") } == ["Basic hunter2"])
                let rest = server.requests.filter { $0.path == "/" }
                #expect(rest.count == 5)
                for request in rest {
                    #expect(request.header("x-amz-security-token") == "token1")
                    #expect(request.header("authorization")?.contains("Credential=AKID1/") == true)
                }
            }
        }

        @Test func `asks an instance's metadata in a session`() async throws {
            let roles = "/latest/meta-data/iam/security-credentials/"
            try await withServer({ request in
                switch (request.method, request.path) {
                case ("PUT", "/latest/api/token"): .answer(200, "session")
                case ("GET", roles): .answer(200, "martlet-role\n")
                case ("GET", roles + "martlet-role"): Self.keys(1)
                default: request.usualReply
                }
            }) { server async throws in
                let environment = ["AWS_EC2_METADATA_SERVICE_ENDPOINT": "http://127.0.0.1:\(server.port)/"]
                try await withBroker(at: server, keys: environment) { broker async throws in try await broker.check() }
                let metadata = server.requests.filter { $0.path != "/" }
                #expect(metadata.map(\.method) == ["PUT", "GET", "GET"])
                #expect(metadata.first?.header("x-aws-ec2-metadata-token-ttl-seconds") != nil)
                #expect(metadata.dropFirst().allSatisfy { $0.header("x-aws-ec2-metadata-token") == "session" })
            }
        }

        @Test func `says which variable is missing where there is no role either`() async throws {
            try await withServer({ _ in .answer(404, "") }) { server async throws in
                let environment = ["AWS_EC2_METADATA_SERVICE_ENDPOINT": "http://127.0.0.1:\(server.port)"]
                let error = await #expect(throws: StoreError.self) { () async throws in
                    try await withBroker(at: server, keys: environment) { _ in }
                }
                #expect(error?.code == .unavailable)
                #expect(error?.message.contains("AWS_ACCESS_KEY_ID is not set") == true)
                #expect(error?.remedy?.contains("AWS_SECRET_ACCESS_KEY") == true)
            }
        }

        @Test func `asks for other keys when SQS says that they have ended`() async throws {
            let asked = Counter()
            try await withServer({ request in
                if request.path == "/keys" { return Self.keys(asked.next()) }
                let isFirst = request.header("x-amz-security-token") == "token1"
                return isFirst && request.action == "SendMessageBatch"
                    ? .refusal(403, "ExpiredToken") : request.usualReply
            }) { server async throws in
                let environment = ["AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:\(server.port)/keys"]
                try await withBroker(at: server, keys: environment) { broker async throws in
                    try await broker.publish(notices(1), now: SystemTimeSource().now())
                }
                #expect(asked.value == 2)
                #expect(
                    server.requests("SendMessageBatch").map { $0.header("x-amz-security-token") } == [
                        "token1", "token2",
                    ])
            }
        }

        @Test func `renews keys before they end, and keeps them while it cannot`() async throws {
            let asked = Counter()
            try await withServer({ _ in
                asked.next() > 2 ? .answer(500, "") : Self.keys(asked.value, endIn: .seconds(3600))
            }) { server async throws in
                let http = HTTPClient()
                let source = CredentialSource(
                    .container(url: "http://127.0.0.1:\(server.port)/", token: nil, tokenFile: nil), http: http,
                    logger: silent)
                do {
                    let now = SystemTimeSource().now()
                    func key(after seconds: Int64) async throws -> String {
                        try await source.credentials(at: now + .seconds(seconds)).accessKeyID
                    }
                    #expect(try await key(after: 0) == "AKID1")
                    #expect(try await key(after: 3200) == "AKID1")
                    #expect(try await key(after: 3400) == "AKID2")
                    #expect(try await key(after: 3420) == "AKID2")
                    #expect(asked.value == 2)
                    // The pause after a renewal is over, and the next fails.
                    #expect(try await key(after: 3440) == "AKID2")
                    #expect(try await key(after: 3450) == "AKID2")
                    #expect(asked.value == 3)
                    await #expect(throws: SQSFailure.self) { () async throws in _ = try await key(after: 3700) }
                }
                try await http.shutdown()
            }
        }

        @Test func `takes keys from the environment first, and no role where it is forbidden`() throws {
            let keys = try SQSCredentials(environment: TestServer.keys)
            let relative = ["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/v2/credentials/1"]
            #expect(
                try CredentialSource.Origin(environment: TestServer.keys.merging(relative) { $1 }) == .fixed(keys))
            #expect(
                try CredentialSource.Origin(environment: relative)
                    == .container(url: "http://169.254.170.2/v2/credentials/1", token: nil, tokenFile: nil))
            #expect(try CredentialSource.Origin(environment: [:]) == .instance(endpoint: "http://169.254.169.254"))
            let error = #expect(throws: StoreError.self) {
                try CredentialSource.Origin(environment: ["AWS_EC2_METADATA_DISABLED": "true"])
            }
            #expect(error?.message.contains("AWS_ACCESS_KEY_ID") == true)
        }

        @Test(arguments: [
            ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "@evil.example/"),
            ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://evil.example/"),
            ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1@evil.example/"),
            ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "file:///etc/passwd"),
            ("AWS_EC2_METADATA_SERVICE_ENDPOINT", "no address"), ("AWS_ACCESS_KEY_ID", "alone"),
        ])
        func `names the variable that is wrong`(_ name: String, _ value: String) {
            let error = #expect(throws: StoreError.self) {
                try CredentialSource.Origin(environment: [name: value])
            }
            #expect(error?.code == .unusable)
            #expect(error?.remedy?.contains("AWS_ACCESS_KEY_ID") == true)
        }

        @Test(arguments: ["", "{}", #"{"AccessKeyId":"a","SecretAccessKey":"b","Token":"c","Expiration":"soon"}"#])
        func `keys that cannot be read are none`(_ text: String) {
            #expect(throws: SQSFailure.self) { try CredentialSource.read(Array(text.utf8)) }
        }
    }
#endif
