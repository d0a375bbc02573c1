import MartletSandbox
import Testing

@Suite struct MessageEndpointTests {
    @Test func `looks a message up by its number`() async throws {
        try await withSandbox { running async throws in
            let number = try #require(try await running.send(key: "mine").data["msgId"]?.integer)
            let info = try await running.call(.GET, "/api/messages/\(number)/info", key: "mine")
            #expect(info.status == 200)
            #expect(info.fields["success"] == true)
            let id = try #require(info.data["id"]?.string)
            #expect(info.data["msgId"] == .integer(number))
            #expect(info.data["remoteJid"] == "12025550123@s.whatsapp.net")
            #expect(info.data["key"] == ["id": .string(id), "fromMe": true, "remoteJid": "12025550123@s.whatsapp.net"])
            #expect(info.data["message"] == ["conversation": "Hello"])
            #expect(info.data["messageTimestamp"]?.string.flatMap { Int($0) } != nil)
            #expect(
                try await eventually {
                    try await running.call(.GET, "/api/messages/\(number)/info", key: "mine").data["status"] == 4
                })
            // Another session's message, one that never was, and no number at all.
            for path in ["\(number)", "1", "none", "99999999999999999999"] {
                let key = path == "\(number)" ? "theirs" : "mine"
                let answer = try await running.call(.GET, "/api/messages/\(path)/info", key: key)
                #expect(answer.status == 404)
                #expect(answer.fields == ["success": false, "message": "Message not found"])
            }
        }
    }

    @Test func `does not know a message at once`() async throws {
        try await withSandbox({ $0.infoDelay = .seconds(60) }) { running async throws in
            let number = try #require(try await running.send().data["msgId"]?.integer)
            #expect(try await running.call(.GET, "/api/messages/\(number)/info").status == 404)
        }
        try await withSandbox({ configuration in
            configuration.infoDelay = .seconds(60)
            configuration.infoBeforeReady = .pending
        }) { running async throws in
            let number = try #require(try await running.send().data["msgId"]?.integer)
            let info = try await running.call(.GET, "/api/messages/\(number)/info")
            #expect(info.status == 200)
            #expect(info.data["status"] == 1)
            #expect(info.data["key"] == nil)
        }
    }

    @Test func `edits and deletes`() async throws {
        try await withSandbox { running async throws in
            let number = try #require(try await running.send().data["msgId"]?.integer)
            let path = "/api/messages/\(number)"
            #expect(try await running.call(.PUT, path, body: #"{"text":"Edited"}"#).fields["success"] == true)
            #expect(try await running.call(.GET, path + "/info").data["message"] == ["conversation": "Edited"])
            #expect(try await running.call(.PUT, path, body: "{}").status == 422)
            #expect(try await running.call(.DELETE, path).data["message"]?.string != nil)
            #expect(try await running.call(.DELETE, path).status == 404)
            #expect(try await running.call(.GET, path + "/info").status == 404)
        }
    }

    @Test func `sends a failed message again, and no other`() async throws {
        try await withSandbox { running async throws in
            let failed = try #require(try await running.send(to: "+9991230001").data["msgId"]?.integer)
            let fine = try #require(try await running.send().data["msgId"]?.integer)
            #expect(
                try await eventually {
                    try await running.call(.GET, "/api/messages/\(failed)/info").data["status"] == 0
                })
            let again = try await running.call(.POST, "/api/messages/\(failed)/resend")
            #expect(again.fields["success"] == true && again.message != nil)
            #expect(try await running.call(.POST, "/api/messages/\(fine)/resend").status == 422)
            #expect(try await running.call(.POST, "/api/messages/1/resend").status == 404)
        }
    }

    @Test func `takes presence, read marks, uploads and media to decrypt`() async throws {
        try await withSandbox { running async throws in
            let presence = try await running.call(
                .POST, "/api/send-presence-update", body: #"{"jid":"+12025550123","type":"composing","delayMs":10}"#)
            #expect(presence.data == ["jid": "+12025550123", "type": "composing"])
            let wrong = try await running.call(
                .POST, "/api/send-presence-update", body: #"{"jid":"+12025550123","type":"dancing"}"#)
            #expect(wrong.status == 422)
            let read = try await running.call(
                .POST, "/api/messages/read",
                body: #"{"key":{"id":"3EB0","remoteJid":"1@s.whatsapp.net","fromMe":false}}"#)
            #expect(read.fields["success"] == true)
            #expect(try await running.call(.POST, "/api/messages/read", body: "{}").status == 422)

            let raw = try await running.call(.POST, "/api/upload", body: "bytes", contentType: "image/png")
            #expect(raw.fields["success"] == true)
            #expect(raw.fields["publicUrl"]?.string?.hasPrefix("https://") == true)
            let encoded = try await running.call(
                .POST, "/api/upload", body: #"{"base64":"data:image/png;base64,AAAA"}"#)
            #expect(encoded.fields["publicUrl"] != nil)
            #expect(try await running.call(.POST, "/api/upload", body: #"{"base64":"*"}"#).status == 422)
            #expect(try await running.call(.POST, "/api/upload", contentType: "image/png").status == 422)
            let media = try await running.call(.POST, "/api/decrypt-media", body: #"{"data":{"messages":{}}}"#)
            #expect(media.fields["publicUrl"] != nil)
            #expect(try await running.call(.POST, "/api/upload", key: nil, body: "bytes").status == 401)
        }
    }

    @Test func `tells of the account, contacts and groups`() async throws {
        try await withSandbox { running async throws in
            #expect(try await running.call(.GET, "/api/status").fields == ["status": "connected"])
            #expect(try await running.call(.GET, "/api/sessions/1/status").fields == ["status": "connected"])
            #expect(try await running.call(.GET, "/api/user").data["id"]?.string?.hasSuffix("@s.whatsapp.net") == true)
            #expect(try await running.call(.GET, "/api/contacts").fields["data"]?.array?.count == 1)
            let groups = try await running.call(.GET, "/api/groups").fields["data"]?.array
            let jid = try #require(groups?.first?.object?["jid"]?.string)
            let metadata = try await running.call(.GET, "/api/groups/\(jid)/metadata")
            #expect(metadata.data["participants"]?.array?.count == 2)
            #expect(metadata.headers.first(name: "X-RateLimit-Daily-Limit") == "500")
            #expect(try await running.call(.GET, "/api/groups/invite/code").data["inviteCode"] == "code")
            #expect(try await running.call(.GET, "/api/groups").status == 200)
            #expect(try await running.call(.GET, "/api/status", key: nil).status == 401)
        }
    }

    @Test func `limits look-ups as documented`() async throws {
        try await withSandbox { running async throws in
            for _ in 0..<10 {
                #expect(try await running.call(.GET, "/api/groups/1@g.us/participants").status == 200)
            }
            let refused = try await running.call(.GET, "/api/groups/1@g.us/participants")
            #expect(refused.status == 429)
            #expect(refused.fields["retry_after"]?.integer != nil)
            #expect(try await running.send().status == 200)
        }
    }
}
