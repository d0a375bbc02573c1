import ArgumentParser
import Foundation
import MartletClient

/// `martlet channels`.
struct ChannelsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "channels", abstract: "Administers channels: one WhatsApp number at one provider each.",
        subcommands: [
            Create.self, List.self, Show.self, Update.self, Pause.self, Resume.self, Connect.self, Disconnect.self,
            Delete.self,
        ])

    /// What can be set of a channel, at its creation and later.
    struct Settings: ParsableArguments {
        @Option(help: ArgumentHelp("The provider's base URL where it is not the usual one.", valueName: "url"))
        var baseURL: String?
        @Option(
            name: .customLong("credential"),
            help: ArgumentHelp(
                "One of the provider's credentials; @FILE as value reads it from a file.", valueName: "name=value"))
        var credentials: [PairArgument] = []
        @Option(help: "What proves that a webhook comes from the provider; @FILE reads it from a file.")
        var webhookSecret: String?
        @Option(
            name: .customLong("limit"),
            help: ArgumentHelp("What the channel may send, such as 50/1s. May be given again.", valueName: "limit"))
        var limits: [LimitArgument] = []
        @Option(help: "The share of each limit that is used, such as 0.9.")
        var headroom: Double?
        @Option(
            name: .customLong("recipient-interval-ms"),
            help: "The least time between two messages to one recipient, in milliseconds.")
        var recipientInterval: Int?
        @Option(
            name: .customLong("acknowledgement-deadline-seconds"),
            help: "How long a sent message may stay without a sign of life, in seconds.")
        var acknowledgementDeadline: Int?

        func request() throws -> ChannelRequest {
            var request = ChannelRequest()
            request.baseURL = baseURL
            if !credentials.isEmpty {
                request.credentials = Dictionary(
                    try credentials.map { ($0.name, try Self.contents($0.value)) }, uniquingKeysWith: { $1 })
            }
            request.webhookSecret = try webhookSecret.map(Self.contents)
            request.limits = limits.isEmpty ? nil : limits.map(\.limit)
            request.headroom = headroom
            request.recipientIntervalMilliseconds = recipientInterval
            request.acknowledgementDeadlineSeconds = acknowledgementDeadline
            return request
        }

        /// The text itself, or what the file after an `@` holds, so that a secret need not stand in the process list.
        private static func contents(_ text: String) throws -> String {
            guard text.hasPrefix("@") else { return text }
            let path = String(text.dropFirst())
            guard let contents = try? String(contentsOfFile: path, encoding: .utf8) else {
                throw CommandFailure("the file \(path) cannot be read")
            }
            return contents.trimmingCharacters(in: .whitespacesAndNewlines)
        }
    }

    /// A channel that exists, and the server it is on.
    struct Target: ParsableArguments {
        @Argument(help: "The channel's id or name.") var channel: String
        @OptionGroup var server: ServerOptions

        /// The channel's id.
        func id(_ client: MartletClient) async throws -> String {
            guard !channel.hasPrefix("chn_") else { return channel }
            let named = try await client.channels().value.data.filter { $0.name == channel }
            guard let found = named.first else { throw CommandFailure("there is no channel of the name \(channel)") }
            guard named.count == 1 else {
                throw CommandFailure("several tenants have a channel of the name \(channel): give its id")
            }
            return found.id
        }

        func perform(_ action: String) async throws {
            let client = try server.client()
            server.show(try await client.performOnChannel(try await id(client), action)) { answer in
                guard case .object(let members) = answer else { return "done\n" }
                return Describe.fields(
                    members.sorted { $0.key < $1.key }.compactMap { name, value in
                        value.stringValue.map { (name.split(separator: "_").joined(separator: " "), $0) }
                    })
            }
        }
    }

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Makes a channel.")
        @Option(help: "What messages call it by.") var name: String
        @Option(help: "The provider, such as wasender.") var provider: String
        @Option(help: "The tenant's id; needed with the operator's token.") var tenant: String?
        @OptionGroup var settings: Settings
        @OptionGroup var server: ServerOptions

        func run() async throws {
            var request = try settings.request()
            request.name = name
            request.provider = provider
            request.tenant = tenant
            server.show(try await server.client().createChannel(request), Describe.channel)
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Lists the channels.")
        @OptionGroup var server: ServerOptions

        func run() async throws {
            server.show(try await server.client().channels()) { page in
                var table = TextTable("ID", "NAME", "PROVIDER", "STATUS", "SINCE", "REASON")
                for channel in page.data {
                    table.add(
                        channel.id, channel.name, channel.provider, channel.status, channel.statusSince,
                        channel.statusReason)
                }
                return table.text
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Shows a channel.")
        @OptionGroup var target: Target

        func run() async throws {
            let client = try target.server.client()
            target.server.show(try await client.channel(try await target.id(client)), Describe.channel)
        }
    }

    struct Update: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Changes a channel. Credentials are merged with those it has.")
        @Option(help: "What messages call it by from now on.") var name: String?
        @OptionGroup var settings: Settings
        @OptionGroup var target: Target

        func run() async throws {
            var request = try settings.request()
            request.name = name
            guard request != ChannelRequest() else {
                throw ValidationError("Nothing to change: give at least one option.")
            }
            let client = try target.server.client()
            target.server.show(try await client.updateChannel(try await target.id(client), request), Describe.channel)
        }
    }

    struct Pause: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Holds a channel's messages.")
        @OptionGroup var target: Target
        func run() async throws { try await target.perform("pause") }
    }

    struct Resume: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Lets a paused channel send again.")
        @OptionGroup var target: Target
        func run() async throws { try await target.perform("resume") }
    }

    struct Connect: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Starts the session behind a channel.")
        @OptionGroup var target: Target
        func run() async throws { try await target.perform("connect") }
    }

    struct Disconnect: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Ends the session behind a channel.")
        @OptionGroup var target: Target
        func run() async throws { try await target.perform("disconnect") }
    }

    struct Delete: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Removes a channel; its waiting messages go to the dead-letter queue.")
        @OptionGroup var target: Target

        func run() async throws {
            let client = try target.server.client()
            let id = try await target.id(client)
            try await client.deleteChannel(id)
            target.server.confirm("deleted \(id)")
        }
    }
}
