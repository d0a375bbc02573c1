#if RabbitMQ
    import Logging
    import Martlet

    /// How a RabbitMQ broker is used.
    package struct RabbitMQOptions: Sendable {
        /// What the names of all exchanges and queues begin with.
        package var prefix = "martlet"
        /// Notices of each priority that a receiver may hold, at most: handed out or ready to be.
        package var prefetch = 500
        /// The interval of heartbeats; a connection on which nothing came for two of them is given up.
        package var heartbeat: Duration = .seconds(10)
        /// How long a publish may take until all of it is confirmed.
        package var publishTimeout: Duration = .seconds(10)
        /// How long a notice that was handed out may lie until the broker delivers it again.
        package var holdMax: Duration = .seconds(120)
        /// How long notices are kept ready for a receiver that does not ask any more.
        package var idleMax: Duration = .seconds(30)
        /// How long a queue may deliver nothing until a receiver that holds nothing makes its channel anew.
        package var silenceMax: Duration = .seconds(10)
        /// Deliveries of one notice without acknowledgement, after which it goes to the dead letters. An argument of the
        /// queues: with another number they cannot be declared again.
        package var deliveryLimit = 20
        /// Dead letters that are kept; then the oldest go. An argument of their queue, too.
        package var deadLettersMax = 10_000
        /// Told when a connection is lost and when it is there again.
        package var logger: Logger?

        package init() {}
    }
#endif
