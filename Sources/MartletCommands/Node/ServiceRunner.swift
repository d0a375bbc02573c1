import Logging
import ServiceLifecycle

#if canImport(Glibc)
    import Glibc
#endif

/// Runs the services of a process until it is told to stop.
enum ServiceRunner {
    /// Runs the services, started in order and stopped in reverse, until SIGTERM or SIGINT; a service that ends or fails takes
    /// the others with it.
    /// - parameter stopsWithin: after this long, what has not stopped by itself is cancelled.
    /// - throws: what made a service fail.
    static func run(_ services: [any Service], stopsWithin: Duration, logger: Logger) async throws {
        var configuration = ServiceGroupConfiguration(
            services: services.map { service in
                ServiceGroupConfiguration.ServiceConfiguration(
                    service: service, successTerminationBehavior: .gracefullyShutdownGroup,
                    failureTerminationBehavior: .gracefullyShutdownGroup)
            },
            gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        configuration.maximumGracefulShutdownDuration = stopsWithin
        try await ServiceGroup(configuration: configuration).run()
    }
}

/// Signals that need another treatment than the system's own.
enum ProcessSignals {
    /// A reader of the log that goes away must not take the service with it.
    static func ignoreBrokenPipes() { signal(SIGPIPE, SIG_IGN) }
}
