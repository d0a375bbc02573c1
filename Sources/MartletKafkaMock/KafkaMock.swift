#if Kafka
    import CKafka
#endif

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Three Kafka brokers in memory, from librdkafka's own mock cluster: a stand-in for tests.
@main
struct KafkaMock {
    static let help = """
        usage: MartletKafkaMock

        Three Kafka brokers on loopback that keep everything in memory: librdkafka's mock cluster, a stand-in for tests and
        nothing else. It keeps a few megabytes per partition, makes a topic of 4 partitions when somebody asks for it, and does
        not know the administration of topics.

        Prints the brokers' addresses on one line, then obeys commands on standard input, each answered with a line:

          down                    all brokers are away
          up                      and back
          delay MILLISECONDS      so long every answer takes
          topic NAME PARTITIONS   makes a topic
          fault NAME CODE         whoever asks for the topic is answered with that error (by Kafka's numbers), or with 0 as before
          fail API CODE COUNT     so many requests of that kind (by Kafka's numbers) are answered with that error
          quit                    ends it, as does the end of the input
        """

    #if Kafka
        static let brokers: ClosedRange<Int32> = 1...3

        static func main() {
            guard CommandLine.arguments.count == 1 else {
                print(help)
                exit(CommandLine.arguments.dropFirst() == ["--help"] ? 0 : 2)
            }
            let configuration = rd_kafka_conf_new()
            // The handle is there for its threads; it has no brokers of its own and would only complain about that.
            rd_kafka_conf_set(configuration, "log_level", "2", nil, 0)
            guard let client = rd_kafka_new(RD_KAFKA_PRODUCER, configuration, nil, 0),
                let cluster = rd_kafka_mock_cluster_new(client, Int32(brokers.count)),
                let addresses = rd_kafka_mock_cluster_bootstraps(cluster)
            else {
                complain("librdkafka starts no mock cluster")
                exit(1)
            }
            say(String(cString: addresses))
            while let line = readLine(), line != "quit" { say(obey(line, cluster)) }
            rd_kafka_mock_cluster_destroy(cluster)
            rd_kafka_destroy(client)
        }

        /// Carries out a command; the answer to it.
        private static func obey(_ line: String, _ cluster: OpaquePointer) -> String {
            let words = line.split(separator: " ").map(String.init)
            let numbers = words.dropFirst().compactMap { Int32($0) }
            switch (words.first, words.count) {
            case ("down", 1): return onAllBrokers { rd_kafka_mock_broker_set_down(cluster, $0) }
            case ("up", 1): return onAllBrokers { rd_kafka_mock_broker_set_up(cluster, $0) }
            case ("delay", 2) where numbers.count == 1:
                return onAllBrokers { rd_kafka_mock_broker_set_rtt(cluster, $0, numbers[0]) }
            case ("topic", 3) where numbers.count == 1 && numbers[0] > 0:
                return answer(rd_kafka_mock_topic_create(cluster, words[1], numbers[0], brokers.upperBound))
            case ("fault", 3) where numbers.count == 1:
                rd_kafka_mock_topic_set_error(cluster, words[1], rd_kafka_resp_err_t(numbers[0]))
                return "ok"
            case ("fail", 4) where numbers.count == 3 && (1...1000).contains(numbers[2]):
                var errors = [rd_kafka_resp_err_t](
                    repeating: rd_kafka_resp_err_t(numbers[1]), count: Int(numbers[2]))
                rd_kafka_mock_push_request_errors_array(
                    cluster, Int16(truncatingIfNeeded: numbers[0]), errors.count, &errors)
                return "ok"
            default: return "error: no such command"
            }
        }

        private static func onAllBrokers(_ body: (Int32) -> rd_kafka_resp_err_t) -> String {
            brokers.map { answer(body($0)) }.first { $0 != "ok" } ?? "ok"
        }

        private static func answer(_ code: rd_kafka_resp_err_t) -> String {
            code == RD_KAFKA_RESP_ERR_NO_ERROR ? "ok" : "error: \(String(cString: rd_kafka_err2str(code)))"
        }
    #else
        static func main() {
            complain("MartletKafkaMock is not part of this build: build with --traits Kafka")
            exit(1)
        }
    #endif

    private static func complain(_ line: String) {
        _ = "\(line)\n".withCString { write(STDERR_FILENO, $0, strlen($0)) }
    }

    /// Writes a line at once, also into a pipe.
    private static func say(_ line: String) {
        print(line)
        fflush(nil)
    }
}
