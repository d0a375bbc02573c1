import ArgumentParser
import Martlet
import MartletClient

/// `martlet messages`.
struct MessagesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "messages", abstract: "Reads the communications log.",
        subcommands: [List.self, Show.self, Watch.self, Cancel.self])

    /// Which messages a list holds.
    struct Filter: ParsableArguments {
        @Option(help: ArgumentHelp("The recipient in E.164.", valueName: "number")) var recipient: String?
        @Option(help: "The provider's id.") var messageID: String?
        @Option(help: "queued, sent, delivered, read or failed.") var status: String?
        @Option(help: "The channel's name or id.") var channel: String?
        @Option(help: ArgumentHelp("Accepted at that time or later, in RFC 3339.", valueName: "time")) var since:
            String?
        @Option(help: ArgumentHelp("Accepted before that time, in RFC 3339.", valueName: "time")) var until: String?
        @Option(help: "How many, 1 to 200. (default: 50)") var limit: Int?
        @Option(help: "Where the page starts, as the page before it said.") var cursor: String?

        var filter: MessageFilter {
            var filter = MessageFilter()
            filter.recipient = recipient
            filter.messageID = messageID
            filter.status = status
            filter.channel = channel
            filter.since = since
            filter.until = until
            filter.limit = limit
            filter.cursor = cursor
            return filter
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Lists messages, newest first.")
        @OptionGroup var filter: Filter
        @OptionGroup var server: ServerOptions

        func run() async throws {
            server.show(try await server.client().messages(filter.filter)) { page in
                Describe.messages(page.data) + Describe.more(page.nextCursor)
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Shows a message and its timeline.")
        @Argument(help: "The message's id.") var id: String
        @OptionGroup var server: ServerOptions

        func run() async throws {
            let client = try server.client()
            let message = try await client.message(id)
            let timeline = try await client.timeline(id)
            let console = Surroundings.current.console
            guard server.json else {
                console.put(Describe.message(message.value) + "\n" + Describe.timeline(timeline.value.data))
                return
            }
            // One document: the message, with its timeline as one more member.
            var document = try JSONParser.value(message.body).objectValue ?? JSONObject()
            document["timeline"] = try JSONParser.value(timeline.body)["data"] ?? .null
            console.line(document.encodedText)
        }
    }

    struct Watch: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract:
                "Follows a message to its final status; without an id, tells every status change until interrupted.")
        @Argument(help: "The message's id.") var id: String?
        @Option(help: ArgumentHelp("Gives up following a message after so many seconds.", valueName: "seconds"))
        var watchFor = 3600
        @OptionGroup var server: ServerOptions

        func run() async throws {
            let client = try server.client()
            if let id {
                return try await MessageWatch(client: client, json: server.json, limit: .seconds(watchFor)).follow(id)
            }
            let console = Surroundings.current.console
            let json = server.json
            try await client.followStatusChanges { change in
                let message = change.message
                console.line(
                    json
                        ? String(decoding: change.body, as: UTF8.self)
                        : TextTable.printable(
                            [
                                message.updatedAt, message.id, message.to, message.status,
                                message.condition ?? message.errorReason,
                            ]
                            .compactMap(\.self).joined(separator: "  ")))
                return true
            }
            throw CommandFailure("the server has ended the stream")
        }
    }

    struct Cancel: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Takes a message back that is not being sent yet.")
        @Argument(help: "The message's id.") var id: String
        @OptionGroup var server: ServerOptions

        func run() async throws {
            server.show(try await server.client().cancel(id)) { "cancelled \($0.id)\n" }
        }
    }
}
