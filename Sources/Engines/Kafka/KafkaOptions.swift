#if Kafka
    /// How a log in Kafka is opened.
    package struct KafkaOptions: Sendable {
        /// The consumer group that shares the topic; the URL may name another.
        package var group = "martlet"
        /// Partitions of a topic that is made here: at most so many processes read it at a time.
        package var partitions = 12
        /// Copies of each partition of a topic that is made here; -1 leaves it to the brokers (Kafka 2.4 and later).
        package var replicationFactor = -1
        /// How long brokers may take to answer a question: at the opening, in a check, for the depth.
        package var answerTimeout: Duration = .seconds(5)
        /// How long brokers may take to store what is appended.
        package var deliveryTimeout: Duration = .seconds(10)
        /// How long brokers may take to note what is completed.
        package var commitTimeout: Duration = .seconds(10)
        /// After how much silence of a process the others get its partitions.
        package var sessionTimeout: Duration = .seconds(30)
        /// After how long without a lease a process gives its partitions to the others.
        package var idleTimeout: Duration = .seconds(300)
        /// Entries on their way to the brokers, at most; beyond that, appends are refused as `overloaded`.
        package var sendingMax = 20_000
        /// Entries read ahead, at most, give or take what the client has in its hands: beyond that, partitions are paused.
        package var heldMax = 5_000
        /// Bytes of their bodies, likewise.
        package var heldBytesMax = 32 << 20

        package init() {}
    }
#endif
