#if SQS
    import Martlet
    import MartletTestSupport

    extension ScriptedServer {
        var url: String { "sqs://127.0.0.1:\(port)/test?region=us-east-1&tls=false" }

        func requests(_ action: String) -> [Request] { requests.filter { $0.action == action } }
    }

    extension ScriptedServer.Reply {
        static func json(_ value: JSONValue) -> Self { .answer(200, value.encodedText) }

        /// As AWS refuses.
        static func refusal(
            _ status: Int, _ code: String, _ message: String = "no", headers: [String: String] = [:]
        ) -> Self {
            let body: JSONValue = ["__type": .string("com.amazonaws.sqs#\(code)"), "message": .string(message)]
            return .answer(status, headers: headers, body.encodedText)
        }
    }

    extension ScriptedServer.Request {
        /// What is to be done, `SendMessageBatch` for instance.
        var action: String { String(header("x-amz-target")?.split(separator: ".").last ?? "") }
        var body: JSONValue { (try? JSONParser.value(bytes)) ?? .null }
        /// The last part of the queue's URL, or of its name.
        var queue: String {
            let name = (body["QueueUrl"] ?? body["QueueName"])?.stringValue ?? ""
            return String(name.split(whereSeparator: { $0 == "/" || $0 == "-" }).last ?? "")
        }
        var entries: [JSONValue] { body["Entries"]?.arrayValue ?? [] }

        /// What SQS answers when all is well: every queue is there, everything succeeds, and nothing waits.
        var usualReply: ScriptedServer.Reply {
            switch action {
            case "GetQueueUrl": .json(["QueueUrl": .string("http://elsewhere.example/1/test-\(queue)")])
            case "CreateQueue": .json(["QueueUrl": .string("http://elsewhere.example/1/test-\(queue)")])
            case "GetQueueAttributes": .json(["Attributes": ["QueueArn": .string("arn:aws:sqs:us-east-1:1:\(queue)")]])
            case "SendMessageBatch", "DeleteMessageBatch", "ChangeMessageVisibilityBatch":
                .json(["Successful": .array(entries.map { ["Id": $0["Id"] ?? .null] }), "Failed": []])
            default: .json([:])
            }
        }
    }

    /// Runs the body with a server, and stops it.
    func withServer(
        _ respond: @escaping @Sendable (ScriptedServer.Request) -> ScriptedServer.Reply,
        _ body: (ScriptedServer) async throws -> Void
    ) async throws {
        let server = ScriptedServer(respond)
        defer { server.stop() }
        try await body(server)
    }
#endif
