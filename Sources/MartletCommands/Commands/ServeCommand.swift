import ArgumentParser
import Logging
import NIOCore
import ServiceLifecycle

#if canImport(Glibc)
    import Glibc
#endif

/// `martlet serve`.
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Runs the service.",
        discussion: """
            Every option can also be an environment variable (--store-url is MARTLET_STORE_URL) or stand in the file that \
            --config names (store: {url: …}). The command line wins over the environment, the environment over the file.
            """)

    @OptionGroup var options: ConfigurationOptions

    func run() async throws {
        let surroundings = Surroundings.current
        let console = surroundings.console
        let reader = try options.reader(environment: surroundings.environment)
        let configuration = try NodeConfiguration(reader)
        let logger = LogOutput.start(level: configuration.logLevel, format: configuration.logFormat, console: console)
        for name in reader.unknownEnvironmentNames {
            logger.warning("an environment variable looks like a setting and is none", metadata: ["name": "\(name)"])
        }
        ProcessSignals.ignoreBrokenPipes()
        do {
            let services = try await surroundings.composition.services(configuration, logger: logger) { announcement in
                switch announcement {
                case .adminToken(let token): console.line("admin token (shown this once): \(token.exposed)")
                case .listening(let url): console.line("listening on \(url)")
                }
            }
            try await ServiceRunner.run(
                services, stopsWithin: configuration.pipeline.shutdownGrace + .seconds(10), logger: logger)
        } catch let error as IOError where error.errnoCode == EADDRINUSE {
            throw CommandFailure(
                "http.port = \(configuration.http.port) (\(reader.origin(.httpPort))): something else listens there already"
            )
        }
    }
}
