import Foundation
import Hummingbird
import MartletClient
import Synchronization
import Testing

@testable import MartletCommands

/// A server that answers what a test wants and remembers what it was asked.
private struct FakeServer {
    struct Asked: Sendable {
        var method: String
        var path: String
        var authorization: String?
        var body: String
    }

    struct Reply: Sendable {
        var status = HTTPResponse.Status.ok
        var body = "{}"
        var headers: HTTPFields = [.contentType: "application/json"]
    }

    /// Runs a server on a free port while the body runs.
    static func with(_ reply: Reply, _ body: (String, () -> [Asked]) async throws -> Void) async throws {
        let asked = Log()
        let port = FirstValue<Int>()
        let router = Router()
        router.middlewares.add(Answering(reply: reply, log: asked))
        let application = Application(
            router: router, configuration: .init(address: .hostname("127.0.0.1", port: 0)),
            onServerRunning: { port.give($0.localAddress?.port ?? 0) })
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await application.run() }
            let bound = try await port.wait()
            try await body("http://127.0.0.1:\(bound)", { asked.all })
            group.cancelAll()
        }
    }

    final class Log: Sendable {
        private let entries = Mutex<[Asked]>([])
        func add(_ entry: Asked) { entries.withLock { $0.append(entry) } }
        var all: [Asked] { entries.withLock(\.self) }
    }

    struct Answering: RouterMiddleware {
        typealias Context = BasicRequestContext
        let reply: Reply
        let log: Log

        func handle(
            _ request: Request, context: Context,
            next: @concurrent (Request, Context) async throws -> Response
        ) async throws -> Response {
            let body = try await request.body.collect(upTo: 1 << 20)
            log.add(
                Asked(
                    method: request.method.rawValue, path: request.uri.description,
                    authorization: request.headers[.authorization], body: String(buffer: body)))
            return Response(
                status: reply.status, headers: reply.headers, body: .init(byteBuffer: ByteBuffer(string: reply.body)))
        }
    }
}

@Suite(.timeLimit(.minutes(1))) struct ClientTests {
    private static let message =
        #"{"id":"msg_1","channel":"main","to":"+1555","type":"text","status":"queued","condition":null,"attempts":0,"#
        + #""error_reason":null,"dead_lettered":false,"priority":"normal","created_at":"a","updated_at":"b"}"#

    @Test func `a send carries the key and the message`() async throws {
        var reply = FakeServer.Reply(status: .accepted, body: Self.message)
        reply.headers[.init("Idempotent-Replayed")!] = "true"
        try await FakeServer.with(reply) { url, asked in
            let client = try MartletClient(url: url + "/", key: "mk_1")
            var request = MessageRequest(to: "+1555", text: "hi")
            request.idempotencyKey = "k"
            let answer = try await client.send(request)
            #expect(answer.value.id == "msg_1")
            #expect(answer.value.status == "queued")
            #expect(answer.isReplay)
            #expect(String(decoding: answer.body, as: UTF8.self) == Self.message)
            let sent = try #require(asked().first)
            #expect((sent.method, sent.path) == ("POST", "/v1/messages"))
            #expect(sent.authorization == "Bearer mk_1")
            let body = try JSONDecoder().decode([String: JSON].self, from: Data(sent.body.utf8))
            #expect(body == ["to": "+1555", "type": "text", "text": ["body": "hi"], "idempotency_key": "k"])
        }
    }

    @Test func `ids and filters are escaped`() async throws {
        try await FakeServer.with(.init(body: #"{"data":[],"next_cursor":"c"}"#)) { url, asked in
            let client = try MartletClient(url: url, key: nil)
            var filter = MessageFilter()
            filter.recipient = "+1 555&x"
            filter.limit = 5
            #expect(try await client.messages(filter).value.nextCursor == "c")
            _ = try? await client.message("../tenants?x")
            #expect(
                asked().map(\.path) == [
                    "/v1/messages?recipient=%2B1%20555%26x&limit=5", "/v1/messages/..%2Ftenants%3Fx",
                ])
            #expect(asked()[0].authorization == nil)
        }
    }

    @Test func `a refusal says what is wrong`() async throws {
        var reply = FakeServer.Reply(
            status: .unprocessableContent,
            body:
                #"{"type":"about:blank","title":"Invalid","status":422,"detail":"see errors","errors":[{"pointer":"/to","message":"is required"}]}"#
        )
        reply.headers[.retryAfter] = "7"
        try await FakeServer.with(reply) { url, _ in
            let client = try MartletClient(url: url, key: "k")
            let error = await #expect(throws: ClientError.self) { try await client.tenants() }
            #expect(error?.code == .refused)
            #expect(error?.status == 422)
            #expect(error?.retryAfter == 7)
            #expect(error?.problem?.errors?.first?.pointer == "/to")
            #expect(error?.description == "the server answers 422: Invalid: see errors (/to is required)")
        }
    }

    @Test func `an answer of something else is told as such`() async throws {
        try await FakeServer.with(.init(body: "<html>")) { url, _ in
            let client = try MartletClient(url: url, key: "k")
            let error = await #expect(throws: ClientError.self) { try await client.statistics() }
            #expect(error?.code == .unexpectedAnswer)
        }
        try await FakeServer.with(.init(status: .badGateway, body: "<html>")) { url, _ in
            let client = try MartletClient(url: url, key: "k")
            let error = await #expect(throws: ClientError.self) { try await client.statistics() }
            #expect(error?.description == "the server answers 502: Bad Gateway")
        }
    }

    @Test(arguments: ["", "localhost:8080", "ftp://h", "http://", "http://h/?a=b"])
    func `what is no address is refused`(_ url: String) {
        let error = #expect(throws: ClientError.self) { try MartletClient(url: url, key: nil) }
        #expect(error?.code == .invalidAddress)
    }

    @Test func `status changes are told until one has seen enough`() async throws {
        let changes = (1...3).map { "event: status\ndata: \(Self.message.replacing("msg_1", with: "msg_\($0)"))\n\n" }
        var reply = FakeServer.Reply(body: ": hello\n\n" + changes.joined() + "event: other\ndata: {}\n\n")
        reply.headers[.contentType] = "text/event-stream"
        try await FakeServer.with(reply) { url, _ in
            let client = try MartletClient(url: url, key: "k")
            var ids: [String] = []
            try await client.followStatusChanges { change in
                ids.append(change.message.id)
                return ids.count < 2
            }
            #expect(ids == ["msg_1", "msg_2"])
        }
    }

    @Test func `commands show what the server says, and pass its JSON on`() async throws {
        let page = #"{"data":[\#(Self.message)],"next_cursor":"abc"}"#
        try await FakeServer.with(.init(body: page)) { url, _ in
            for (arguments, wanted) in [
                (["messages", "list"], ["msg_1", "queued", "more with --cursor abc"]),
                (["messages", "list", "--json"], [page + "\n"]),
            ] {
                let recording = Recording()
                let code = await MartletProgram.run(
                    arguments: arguments + ["--url", url, "--key", "k"],
                    surroundings: Surroundings(console: recording.console, environment: [:], composition: NoNode()))
                #expect(code == 0)
                for text in wanted { #expect(recording.output.contains(text)) }
            }
        }
    }

    @Test func `a bulk replay is estimated, begun, followed and ended`() async throws {
        let job =
            #"{"id":"rpl_1","status":"finished","matched":3,"replayed":2,"skipped":1,"failed":0,"last_failure":null,"#
            + #""per_second":50,"include_expired":false,"created_at":"a","finished_at":"b"}"#
        func run(_ url: String, _ arguments: String...) async -> (Int32, Recording) {
            let recording = Recording()
            let code = await MartletProgram.run(
                arguments: ["dead-letters"] + arguments + ["--url", url, "--key", "k"],
                surroundings: Surroundings(console: recording.console, environment: [:], composition: NoNode()))
            return (code, recording)
        }
        try await FakeServer.with(.init(body: #"{"matched":3,"skipped":1}"#)) { url, asked in
            let (code, recording) = await run(url, "replay", "--all", "--dry-run")
            #expect(code == 0)
            #expect(recording.output.contains("would replay 2 of 3"))
            #expect(asked().map(\.path) == ["/v1/replays"])
            let body = try JSONDecoder().decode([String: JSON].self, from: Data(asked()[0].body.utf8))
            #expect(body == ["filter": [:], "dry_run": true])
        }
        try await FakeServer.with(.init(status: .accepted, body: job)) { url, asked in
            for arguments in [
                ["replay", "--reason", "rejected", "--watch"], ["watch", "rpl_1"], ["cancel", "rpl_1"],
            ] {
                let recording = Recording()
                let code = await MartletProgram.run(
                    arguments: ["dlq"] + arguments + ["--url", url, "--key", "k"],
                    surroundings: Surroundings(console: recording.console, environment: [:], composition: NoNode()))
                #expect(code == 0)
                #expect(recording.output.contains("finished: 2 of 3 replayed, 1 skipped"))
            }
            #expect(asked().map(\.path) == ["/v1/replays", "/v1/replays/rpl_1", "/v1/replays/rpl_1/cancel"])
            let (code, recording) = await run(url, "replay", "--all", "--json")
            #expect(code == 0)
            #expect(recording.output == job + "\n")
        }
        let spoilt = job.replacing(#""failed":0,"last_failure":null"#, with: #""failed":1,"last_failure":"msg_1: no""#)
        try await FakeServer.with(.init(body: spoilt)) { url, _ in
            let (code, recording) = await run(url, "watch", "rpl_1")
            #expect(code == 1)
            #expect(recording.output.contains("1 failed (last: msg_1: no)"))
        }
    }

    @Test func `a load is offered in full and every answer counted`() async throws {
        try await FakeServer.with(.init(status: .accepted, body: Self.message)) { url, asked in
            let generator = LoadGenerator(rate: 500, count: 100, connections: 8, batch: 1) { number in
                MessageRequest(to: BenchCommand.recipient(number), text: "\(number)")
            }
            let outcome = try await generator.run(try MartletClient(url: url, key: "k"))
            #expect(outcome.accepted == 100)
            #expect(outcome.refused.isEmpty)
            #expect(outcome.latency.count == 100)
            #expect(Set(asked().map(\.body)).count == 100)
            // The last request is due after 198 ms: an open loop does not run ahead of itself.
            #expect(outcome.elapsed >= .milliseconds(198))
        }
        try await FakeServer.with(.init(status: .tooManyRequests)) { url, _ in
            let generator = LoadGenerator(rate: 500, count: 10, connections: 2, batch: 1) { _ in
                MessageRequest(to: "+1555", text: "a")
            }
            let outcome = try await generator.run(try MartletClient(url: url, key: "k"))
            #expect(outcome.refused == [429: 10])
            #expect(outcome.accepted == 0)
        }
    }
}

@Suite struct ServerSentEventTests {
    @Test(arguments: [1, 2, 3, 7, 1000])
    func `events are read from pieces of any size`(_ size: Int) throws {
        let stream = Array(
            ": comment\r\nevent: status\r\ndata: {\"a\":1}\r\n\r\ndata:one\ndata: two\n\nid: 3\n\ndata\n\nevent: x\rdata: ü\r\r"
                .utf8)
        var parser = ServerSentEventParser()
        var events: [ServerSentEvent] = []
        for start in stride(from: 0, to: stream.count, by: size) {
            events += try parser.read(stream[start..<min(start + size, stream.count)])
        }
        #expect(
            events.map { "\($0.name)=\($0.data)" } == ["status={\"a\":1}", "message=one\ntwo", "message=", "x=ü"])
    }

    @Test func `an endless line is refused`() {
        var parser = ServerSentEventParser()
        #expect(throws: ServerSentEventParser.TooLong.self) {
            try parser.read(repeatElement(UInt8(ascii: "a"), count: ServerSentEventParser.bytesMax + 1))
        }
    }
}
