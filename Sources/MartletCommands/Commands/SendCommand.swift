import ArgumentParser
import MartletClient

/// `martlet send`.
struct SendCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "send", abstract: "Sends one notification and, with --watch, follows it to its final status.")

    @Option(help: ArgumentHelp("The recipient in E.164, such as +14155550123.", valueName: "number"))
    var to: String
    @Option(help: "The text; with a picture or the like, its caption.")
    var text: String?
    @Option(help: ArgumentHelp("A picture's address.", valueName: "url")) var image: String?
    @Option(help: ArgumentHelp("A video's address.", valueName: "url")) var video: String?
    @Option(help: ArgumentHelp("A voice note's address.", valueName: "url")) var audio: String?
    @Option(help: ArgumentHelp("A document's address.", valueName: "url")) var document: String?
    @Option(help: ArgumentHelp("A sticker's address.", valueName: "url")) var sticker: String?
    @Option(help: "The document's name as the recipient sees it.") var filename: String?
    @Option(help: ArgumentHelp("A place.", valueName: "latitude,longitude")) var location: String?
    @Option(help: ArgumentHelp("A contact card.", valueName: "name=number")) var contact: PairArgument?
    @Option(help: ArgumentHelp("A template's name.", valueName: "name")) var template: String?
    @Option(help: "The template's language, such as en_US.") var language: String?
    @Option(help: "The channel's name or id; not needed where there is one only.") var channel: String?
    @Option(help: "high, normal or low.") var priority: String?
    @Option(help: "The same key within the window is the same message.") var idempotencyKey: String?
    @Option(help: ArgumentHelp("Not before, in RFC 3339.", valueName: "time")) var sendAt: String?
    @Option(help: ArgumentHelp("Not after so many seconds.", valueName: "seconds")) var expiresIn: Int?
    @Option(help: "retry or hold: what to do when nobody can tell whether it was sent.") var onUnknown: String?
    @Flag(help: "Forgets the text once the message is final.") var redact = false
    @Option(help: ArgumentHelp("Kept with the message. May be given again.", valueName: "name=value"))
    var metadata: [PairArgument] = []
    @Flag(help: "Follows the message to its final status; exits 1 when that is failed.") var watch = false
    @Option(help: ArgumentHelp("Gives up watching after so many seconds.", valueName: "seconds")) var watchFor = 3600
    @OptionGroup var server: ServerOptions

    func validate() throws { _ = try request() }

    /// The message that the options describe.
    func request() throws -> MessageRequest {
        var candidates: [(type: String, content: [String: JSON])] = []
        let media = [
            ("image", image), ("video", video), ("audio", audio), ("document", document), ("sticker", sticker),
        ]
        for (type, url) in media {
            guard let url else { continue }
            var content: [String: JSON] = ["url": .string(url)]
            if let text { content["caption"] = .string(text) }
            if type == "document", let filename { content["filename"] = .string(filename) }
            candidates.append((type, content))
        }
        if let location { candidates.append(("location", try place(location))) }
        if let contact {
            candidates.append(("contact", ["name": .string(contact.name), "phone": .string(contact.value)]))
        }
        if let template {
            var content: [String: JSON] = ["name": .string(template)]
            if let language { content["language"] = .string(language) }
            candidates.append(("template", content))
        }
        if let text, candidates.isEmpty { candidates.append(("text", ["body": .string(text)])) }
        guard candidates.count == 1 else {
            throw ValidationError(
                candidates.isEmpty
                    ? "Give what is to be sent: --text, --image, --video, --audio, --document, --sticker, --location, "
                        + "--contact or --template."
                    : "Give one kind of content only, not \(candidates.map(\.type).joined(separator: " and ")).")
        }
        var request = MessageRequest(to: to, type: candidates[0].type, content: candidates[0].content)
        request.channel = channel
        request.priority = priority
        request.idempotencyKey = idempotencyKey
        request.sendAt = sendAt
        request.expiresIn = expiresIn
        request.onUnknown = onUnknown
        request.redact = redact ? true : nil
        if !metadata.isEmpty {
            request.metadata = Dictionary(metadata.map { ($0.name, $0.value) }, uniquingKeysWith: { $1 })
        }
        return request
    }

    private func place(_ text: String) throws -> [String: JSON] {
        let parts = text.split(separator: ",").compactMap { Double($0) }
        guard parts.count == 2 else {
            throw ValidationError("--location must be LATITUDE,LONGITUDE such as 52.52,13.405")
        }
        return ["latitude": .number(parts[0]), "longitude": .number(parts[1])]
    }

    func run() async throws {
        let client = try server.client()
        let answer = try await client.send(try request())
        guard watch else {
            server.show(answer) { message in
                answer.isReplay ? "\(message.id) (seen before)\n" : "\(message.id)\n"
            }
            return
        }
        if !server.json { Surroundings.current.console.line(answer.value.id) }
        try await MessageWatch(client: client, json: server.json, limit: .seconds(watchFor)).follow(answer.value.id)
    }
}
