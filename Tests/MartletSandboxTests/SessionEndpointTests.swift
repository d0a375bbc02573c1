import MartletSandbox
import Testing

@Suite struct SessionEndpointTests {
    private static let creation = """
        {"name":"Support","phone_number":"+12025550100","account_protection":true,"log_messages":true,
        "always_online":true,"webhook_events":null}
        """

    private func create(_ running: RunningSandbox, _ body: String = creation) async throws -> RunningSandbox.Answer {
        try await running.call(.POST, "/api/whatsapp-sessions", key: "pat", body: body)
    }

    @Test func `makes, shows, changes and deletes sessions`() async throws {
        try await withSandbox { running async throws in
            let made = try await create(running)
            #expect(made.status == 201)
            let id = try #require(made.data["id"]?.integer)
            let key = try #require(made.data["api_key"]?.string)
            #expect(key.utf8.count == 64)
            #expect(made.data["webhook_secret"]?.string?.utf8.count == 32)
            #expect(made.data["status"] == "disconnected")
            #expect(made.data["account_protection"] == true && made.data["always_online"] == true)
            #expect(made.data["webhook_enabled"] == false && made.data["webhook_events"] == .null)
            #expect(made.data["created_at"]?.string?.hasSuffix("Z") == true)
            let path = "/api/whatsapp-sessions/\(id)"

            let changed = try await running.call(
                .PUT, path, key: "pat", body: #"{"account_protection":false,"webhook_url":"https://hook.example/x"}"#)
            #expect(changed.data["account_protection"] == false && changed.data["webhook_enabled"] == true)
            #expect(try await running.call(.GET, path, key: "pat").data == changed.data)
            #expect(
                try await running.call(.GET, "/api/whatsapp-sessions", key: "pat").fields["data"]?.array?.count == 1)

            // Not linked yet.
            #expect(try await running.send(key: key).status == 409)
            let deleted = try await running.call(.DELETE, path, key: "pat")
            #expect(deleted.status == 204 && deleted.text.isEmpty)
            #expect(try await running.call(.GET, path, key: "pat").status == 404)
            #expect(try await running.send(key: key).message == "Invalid API key")
        }
    }

    @Test(arguments: [
        ("{}", ["account_protection", "log_messages", "name", "phone_number"]),
        (
            #"{"name":1,"phone_number":"","account_protection":"yes","log_messages":null}"#,
            ["account_protection", "log_messages", "name", "phone_number"]
        ),
        (
            #"{"name":"a","phone_number":"+1","account_protection":true,"log_messages":1,"webhook_url":"nonsense"}"#,
            ["webhook_url"]
        ),
        (
            #"{"name":"a","phone_number":"+1","account_protection":true,"log_messages":"0","webhook_events":"all"}"#,
            ["webhook_events"]
        ),
    ])
    func `names what is wrong with a session`(body: String, fields: [String]) async throws {
        try await withSandbox { running async throws in
            let answer = try await create(running, body)
            #expect(answer.status == 422)
            #expect(answer.fields["errors"]?.object?.keys.sorted() == fields)
        }
    }

    @Test func `connects after a scan, disconnects, and connects again without one`() async throws {
        try await withSandbox({ $0.linkDelay = .milliseconds(50) }) { running async throws in
            let made = try await create(running)
            let id = try #require(made.data["id"]?.integer)
            let key = try #require(made.data["api_key"]?.string)
            let path = "/api/whatsapp-sessions/\(id)"
            #expect(try await running.call(.GET, path + "/qrcode", key: "pat").status == 400)
            let scan = try await running.call(.POST, path + "/connect", key: "pat")
            #expect(scan.data["status"] == "NEED_SCAN")
            #expect(scan.data["qrCode"]?.string?.hasPrefix("2@") == true)
            #expect(
                try await eventually {
                    try await running.call(.GET, path, key: "pat").data["status"] == "connected"
                })
            #expect(
                try await running.call(.POST, path + "/connect", key: "pat").data
                    == ["status": "CONNECTED", "message": "Session is already connected"])
            #expect(try await running.send(key: key).status == 200)
            let gone = try await running.call(.POST, path + "/disconnect", key: "pat")
            #expect(gone.data["status"] == "DISCONNECTED")
            #expect(try await running.call(.POST, path + "/restart", key: "pat").status == 409)
            #expect(try await running.call(.POST, path + "/connect", key: "pat").data["status"] == "CONNECTED")
            #expect(try await running.call(.POST, path + "/restart", key: "pat").fields["success"] == true)
            #expect(
                try await eventually {
                    try await running.call(.GET, "/api/status", key: key).fields == ["status": "connected"]
                })
            let logs = try await running.call(.GET, path + "/session-logs?per_page=3", key: "pat")
            let rows = try #require(logs.data["data"]?.array)
            #expect(rows.map { $0.object?["status"] } == ["connected", "connecting", "connected"])
            #expect(logs.data["total"] == 7 && logs.data["last_page"] == 3)
        }
    }

    @Test func `links by passkey`() async throws {
        try await withSandbox { running async throws in
            let id = try #require(try await create(running).data["id"]?.integer)
            let path = "/api/whatsapp-sessions/\(id)"
            let answer = try await running.call(
                .POST, path + "/connect", key: "pat", body: #"{"linkMethod":"passkey"}"#)
            #expect(answer.data["status"] == "NEED_PASSKEY")
            #expect(answer.data["passkey"]?.object?["token"] != nil)
            #expect(try await running.call(.GET, path + "/passkey-token", key: "pat").data["token"] != nil)
        }
    }

    @Test func `replaces a key, and the old one is void`() async throws {
        try await withSandbox { running async throws in
            #expect(try await running.send(key: "old").status == 200)
            let answer = try await running.call(.POST, "/api/whatsapp-sessions/1/regenerate-key", key: "pat")
            #expect(answer.fields.keys.sorted() == ["api_key", "success"])
            let key = try #require(answer.fields["api_key"]?.string)
            #expect(try await running.send(key: "old").message == "Invalid API key")
            #expect(try await running.send(key: key).status == 200)
        }
    }

    @Test func `wants some token and no particular one`() async throws {
        try await withSandbox { running async throws in
            #expect(try await running.call(.GET, "/api/auth-check", key: "anything").fields["success"] == true)
            #expect(try await running.call(.GET, "/api/auth-check", key: nil).status == 401)
            #expect(try await running.call(.GET, "/api/whatsapp-sessions", key: nil).status == 401)
        }
    }

    @Test func `logs messages, page by page and by status`() async throws {
        try await withSandbox { running async throws in
            for number in 0..<5 { _ = try await running.send(text: "Message \(number)") }
            let failed = try #require(try await running.send(to: "+9991230001").data["msgId"]?.integer)
            let silent = try #require(try await running.send(to: "+9991230002").data["msgId"]?.integer)
            let path = "/api/whatsapp-sessions/1/message-logs"
            #expect(
                try await eventually {
                    try await running.call(.GET, path + "?status=sent", key: "pat").data["total"] == 5
                })
            let failures = try await running.call(.GET, path + "?status=failed", key: "pat")
            let row = try #require(failures.data["data"]?.array?.first?.object)
            #expect(row["id"] == .integer(failed) && row["whatsapp_session_id"] == 1 && row["to"] == "+9991230001")
            #expect(row["failed_reason"]?.string?.contains("Invalid number JID") == true)
            #expect(row["content"] == #"{"text":"Hello"}"#)
            let open = try await running.call(.GET, path + "?status=in_progress", key: "pat")
            #expect(open.data["data"]?.array?.map { $0.object?["id"] } == [.integer(silent)])
            let page = try await running.call(.GET, path + "?page=2&per_page=3", key: "pat")
            #expect(page.data["current_page"] == 2 && page.data["total"] == 7 && page.data["last_page"] == 3)
            let ids = page.data["data"]?.array?.compactMap { $0.object?["id"]?.integer }
            #expect(ids == [silent - 3, silent - 4, silent - 5])
            #expect(try await running.call(.GET, path + "?status=lost", key: "pat").status == 422)
            let huge = try await running.call(.GET, path + "?page=9223372036854775807", key: "pat")
            #expect(huge.data["data"]?.array?.isEmpty == true)
        }
    }

    @Test func `logs neither recipient nor content when that is off`() async throws {
        try await withSandbox({ $0.messageLogs = false }) { running async throws in
            _ = try await running.send()
            let logs = try await running.call(.GET, "/api/whatsapp-sessions/1/message-logs", key: "pat")
            let row = try #require(logs.data["data"]?.array?.first?.object)
            #expect(row["to"] == .null && row["content"] == .null)
        }
    }
}
