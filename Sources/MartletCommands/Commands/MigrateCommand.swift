import ArgumentParser

/// `martlet migrate`.
struct MigrateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "migrate", abstract: "Brings the store to this version's schema.",
        discussion: "serve does it, too, unless store.migrate is false.")

    @OptionGroup var options: ConfigurationOptions

    func run() async throws {
        let surroundings = Surroundings.current
        let reader = try options.reader(environment: surroundings.environment)
        let configuration = try NodeConfiguration(reader)
        let logger = LogOutput.start(
            level: configuration.logLevel, format: configuration.logFormat, console: surroundings.console)
        _ = try await surroundings.composition.openStore(configuration, migrate: true, logger: logger)
        surroundings.console.line("the store is at this version's schema")
    }
}
