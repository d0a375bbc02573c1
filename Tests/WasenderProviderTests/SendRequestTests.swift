import Martlet
import MartletTestSupport
import Testing
import WasenderProvider

/// What reaches the provider, as its own socket sees it.
@Suite struct SendRequestTests {
    static let bodies: [(Payload, String)] = [
        (.text("Line 1\nLine \"2\" 🎉"), #"{"to":"+12025550123","text":"Line 1\nLine \"2\" 🎉"}"#),
        (
            Payload(kind: .image, content: ["url": "https://e.com/a.jpg", "caption": "Look"]),
            #"{"to":"+12025550123","imageUrl":"https://e.com/a.jpg","text":"Look"}"#
        ),
        (
            Payload(kind: .image, content: ["url": "https://e.com/a.jpg", "caption": nil]),
            #"{"to":"+12025550123","imageUrl":"https://e.com/a.jpg"}"#
        ),
        (
            Payload(kind: .video, content: ["url": "https://e.com/a.mp4", "caption": ""]),
            #"{"to":"+12025550123","videoUrl":"https://e.com/a.mp4"}"#
        ),
        (
            Payload(kind: .audio, content: ["url": "https://e.com/a.ogg"]),
            #"{"to":"+12025550123","audioUrl":"https://e.com/a.ogg"}"#
        ),
        (
            Payload(
                kind: .document,
                content: ["url": "https://e.com/i.pdf", "caption": "Invoice", "filename": "invoice.pdf"]),
            #"{"to":"+12025550123","documentUrl":"https://e.com/i.pdf","fileName":"invoice.pdf","text":"Invoice"}"#
        ),
        (
            Payload(kind: .sticker, content: ["url": "https://e.com/s.webp"]),
            #"{"to":"+12025550123","stickerUrl":"https://e.com/s.webp"}"#
        ),
        (
            Payload(kind: .contact, content: ["name": "Support", "phone": "+12025550199"]),
            #"{"to":"+12025550123","contact":{"name":"Support","phone":"+12025550199"}}"#
        ),
        (
            Payload(
                kind: .location,
                content: ["latitude": 52.52, "longitude": 13.405, "name": "Office", "address": "Street 1"]),
            #"{"to":"+12025550123","location":{"latitude":52.52,"longitude":13.405,"name":"Office","address":"Street 1"}}"#
        ),
        (
            Payload(kind: .location, content: ["latitude": 52, "longitude": -13]),
            #"{"to":"+12025550123","location":{"latitude":52,"longitude":-13}}"#
        ),
    ]

    @Test(arguments: bodies) func `has the documented body`(_ payload: Payload, _ body: String) async throws {
        try await Fixture.withServer(.json(200, #"{"success":true,"data":{"msgId":1}}"#)) { provider, server in
            _ = await provider.send(
                Fixture.message(payload), over: Fixture.channel(server.baseURL), timeout: .seconds(10))
            #expect(server.requests.map(\.text) == [body])
        }
    }

    @Test func `has the documented address and headers`() async throws {
        try await Fixture.withServer(.json(200, #"{"success":true,"data":{"msgId":1}}"#)) { provider, server in
            _ = await provider.send(
                Fixture.message(), over: Fixture.channel(server.baseURL + "//"), timeout: .seconds(10))
            let request = try #require(server.requests.first)
            #expect(request.method == "POST")
            #expect(request.path == "/api/send-message")
            #expect(request.header("authorization") == "Bearer \(Fixture.apiKey)")
            #expect(request.header("content-type") == "application/json")
            #expect(request.header("accept") == "application/json")
            #expect(request.header("user-agent") == "martlet/1.2.3")
            #expect(request.header("content-length") == "\(request.text.utf8.count)")
            #expect(request.header("transfer-encoding") == nil)
            #expect(request.header("accept-encoding") == nil)
        }
    }

    @Test func `a template never leaves`() async throws {
        try await Fixture.withServer(.json(200, "{}")) { provider, server in
            let answer = await provider.send(
                Fixture.message(Payload(kind: .template, content: [:])), over: Fixture.channel(server.baseURL),
                timeout: .seconds(10))
            guard case .rejected(let reason) = answer.outcome else {
                Issue.record("\(answer)")
                return
            }
            #expect(reason.code == .rejected)
            #expect(server.requests.isEmpty)
        }
    }

    @Test func `a channel without a usable key is unauthorized and asks nobody`() async throws {
        try await Fixture.withServer(.json(200, "{}")) { provider, server in
            for credentials: JSONObject in [[:], ["api_key": "a\r\nb: c"]] {
                let channel = Fixture.channel(server.baseURL, credentials: credentials)
                let answer = await provider.send(Fixture.message(), over: channel, timeout: .seconds(10))
                #expect(answer.outcome.name == "unauthorized")
            }
            #expect(server.requests.isEmpty)
        }
    }

    @Test func `keeps a connection for the next message`() async throws {
        try await Fixture.withServer(.json(200, #"{"success":true,"data":{"msgId":1}}"#), idleTimeout: .seconds(60)) {
            provider, server in
            for _ in 0..<20 {
                _ = await provider.send(Fixture.message(), over: Fixture.channel(server.baseURL), timeout: .seconds(10))
            }
            #expect(server.requests.count == 20)
            // The next message may come before the pool has the connection back; then there is a second one, not a twentieth.
            #expect(server.connectionCount < 10)
        }
    }

    @Test func `sends many at once`() async throws {
        try await Fixture.withServer(.silence) { provider, server in
            let channel = Fixture.channel(server.baseURL)
            await withTaskGroup { group in
                for _ in 0..<40 {
                    group.addTask { _ = await provider.send(Fixture.message(), over: channel, timeout: .seconds(3)) }
                }
            }
            #expect(server.requests.count == 40)
        }
    }
}
