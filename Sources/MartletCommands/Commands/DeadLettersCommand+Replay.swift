import ArgumentParser
import MartletClient

extension DeadLettersCommand {
    struct Replay: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Queues dead letters again under their own ids, corrected if asked.",
            discussion: """
                With an id, that one. With a filter (or --all), every dead letter that meets it, as a job of the server that \
                goes on by itself, survives a restart, and can be followed with `watch` and ended with `cancel`.
                """)

        @Argument(help: "The message's id; without it, a filter says which.") var id: String?
        @Option(help: ArgumentHelp("The right recipient of the one message.", valueName: "number")) var to: String?
        @Option(help: "The right text.") var text: String?
        @Flag(help: "Takes every dead letter.") var all = false
        @OptionGroup(title: "Filter") var filter: Filter
        @Option(help: ArgumentHelp("Messages a second. (default: 50)", valueName: "rate")) var perSecond: Double?
        @Flag(help: "Takes also what is past its expiry, which is taken away.") var includeExpired = false
        @Option(
            parsing: .upToNextOption,
            help: ArgumentHelp(
                "The wrong beginning of numbers and the right one, such as +4411 +44.", valueName: "from> <to"))
        var toPrefix: [String] = []
        @Flag(help: "Only says how many it would take.") var dryRun = false
        @Flag(help: "Follows it to its end.") var watch = false
        @OptionGroup var server: ServerOptions

        /// Which dead letters are meant.
        struct Filter: ParsableArguments {
            @Option(help: "Over that channel, by name or id.") var channel: String?
            @Option(help: ArgumentHelp("Those whose error begins so, such as invalid_recipient.", valueName: "code"))
            var reason: String?
            @Option(help: ArgumentHelp("To that recipient in E.164.", valueName: "number")) var recipient: String?
            @Option(help: "With that id of the provider's.") var messageID: String?
            @Option(help: ArgumentHelp("Accepted at that time or later, in RFC 3339.", valueName: "time"))
            var since: String?
            @Option(help: ArgumentHelp("Accepted before that time, in RFC 3339.", valueName: "time"))
            var until: String?

            var filter: ReplayRequest.Filter {
                var filter = ReplayRequest.Filter()
                filter.channel = channel
                filter.reason = reason
                filter.recipient = recipient
                filter.messageID = messageID
                filter.since = since
                filter.until = until
                return filter
            }
        }

        func validate() throws {
            let isFiltered = filter.filter != ReplayRequest.Filter()
            if id != nil {
                guard !all, !isFiltered, perSecond == nil, !includeExpired, toPrefix.isEmpty, !dryRun else {
                    throw ValidationError("an id names one message: --to and --text correct it, --watch follows it")
                }
            } else {
                guard all || isFiltered else { throw ValidationError("an id, a filter or --all is needed") }
                guard !(all && isFiltered) else { throw ValidationError("--all does not go with a filter") }
                guard to == nil else {
                    throw ValidationError("--to corrects one message; --to-prefix corrects many")
                }
                guard toPrefix.isEmpty || toPrefix.count == 2 else {
                    throw ValidationError("--to-prefix takes two values, such as +4411 +44")
                }
                guard !(dryRun && watch) else { throw ValidationError("there is nothing to watch in a dry run") }
            }
        }

        /// The bulk replay that the options describe.
        var request: ReplayRequest {
            var request = ReplayRequest()
            request.filter = filter.filter
            request.perSecond = perSecond
            request.includeExpired = includeExpired ? true : nil
            var correction = ReplayRequest.Correction()
            correction.numberPrefix = toPrefix.isEmpty ? nil : toPrefix
            correction.payload = text.map { ["body": .string($0)] }
            if correction != ReplayRequest.Correction() { request.correction = correction }
            return request
        }

        func run() async throws {
            let client = try server.client()
            if let id {
                try await replayOne(id, client)
            } else if dryRun {
                server.show(try await client.estimateReplay(request)) { estimate in
                    "would replay \(estimate.matched - estimate.skipped) of \(estimate.matched) dead letters, "
                        + "skip \(estimate.skipped) that are expired\n"
                }
            } else {
                let started = try await client.startReplay(request)
                guard watch else {
                    return server.show(started) { "\($0.id)\n\(Describe.progress($0))\n" }
                }
                try await ReplayWatch(client: client, json: server.json).follow(started)
            }
        }

        private func replayOne(_ id: String, _ client: MartletClient) async throws {
            var correction: [String: JSON] = [:]
            if let to { correction["to"] = .string(to) }
            if let text { correction["text"] = .object(["body": .string(text)]) }
            let answer = try await client.replay(id, correction: correction)
            guard watch else { return server.show(answer) { "queued \($0.id)\n" } }
            try await MessageWatch(client: client, json: server.json, limit: .seconds(3600)).follow(id)
        }
    }

    struct Watch: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Follows a bulk replay to its end.")
        @Argument(help: "The bulk replay's id.") var id: String
        @OptionGroup var server: ServerOptions

        func run() async throws {
            let client = try server.client()
            try await ReplayWatch(client: client, json: server.json).follow(try await client.replay(id))
        }
    }

    struct Cancel: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Ends a bulk replay; what it has queued stays queued.")
        @Argument(help: "The bulk replay's id.") var id: String
        @OptionGroup var server: ServerOptions

        func run() async throws {
            server.show(try await server.client().cancelReplay(id)) { Describe.progress($0) + "\n" }
        }
    }
}
