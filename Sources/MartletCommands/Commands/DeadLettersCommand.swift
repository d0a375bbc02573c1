import ArgumentParser
import MartletClient

/// `martlet dead-letters`, `martlet dlq`.
struct DeadLettersCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dead-letters", abstract: "Looks after the dead-letter queue.",
        subcommands: [List.self, Show.self, Replay.self, Watch.self, Cancel.self, Discard.self], aliases: ["dlq"])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Lists dead letters, newest first.")
        @OptionGroup var filter: MessagesCommand.Filter
        @OptionGroup var server: ServerOptions

        func run() async throws {
            server.show(try await server.client().deadLetters(filter.filter)) { page in
                var table = TextTable("ID", "DEAD-LETTERED", "TO", "TYPE", "ATTEMPTS", "REASON")
                for letter in page.data {
                    table.add(
                        letter.message.id, letter.deadLetteredAt, letter.message.to, letter.message.type,
                        "\(letter.message.attempts)", letter.message.errorReason)
                }
                return table.text + Describe.more(page.nextCursor)
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Shows a dead letter and how its attempts went.")
        @Argument(help: "The message's id.") var id: String
        @OptionGroup var server: ServerOptions

        func run() async throws {
            server.show(try await server.client().deadLetter(id)) { letter in
                Describe.message(letter.message) + "\n" + Describe.timeline(letter.attemptHistory)
            }
        }
    }

    struct Discard: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Takes a dead letter out of the queue; the log keeps the failed message.")
        @Argument(help: "The message's id.") var id: String
        @OptionGroup var server: ServerOptions

        func run() async throws {
            try await server.client().discard(id)
            server.confirm("discarded \(id)")
        }
    }
}
