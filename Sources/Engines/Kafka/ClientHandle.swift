#if Kafka
    import CKafka
    import Logging
    import Martlet
    import Synchronization

    /// What librdkafka calls back into; it outlives the handle. The calls come while the owner's thread polls the handle,
    /// those for the log from any thread.
    final class ClientEvents: @unchecked Sendable {
        typealias Partitions = UnsafeMutablePointer<rd_kafka_topic_partition_list_t>

        let logger: Logger
        /// Set before the handle is polled for the first time, and never again.
        var onError: ((rd_kafka_resp_err_t, String) -> Void)?
        /// Likewise.
        var onRebalance: ((rd_kafka_resp_err_t, Partitions) -> Void)?

        init(logger: Logger) { self.logger = logger }
    }

    /// One client of the brokers. librdkafka's handles are safe to share between threads; whoever destroys it sees to it that
    /// no other thread uses it any more.
    struct ClientHandle: @unchecked Sendable {
        let pointer: OpaquePointer
        let events: ClientEvents

        /// Makes a producer or a consumer. Nothing is connected yet.
        /// - throws: ``StoreError/Code/unusable`` when librdkafka does not take the settings.
        init(
            _ kind: rd_kafka_type_t, address: KafkaAddress, settings: KeyValuePairs<String, String>, logger: Logger
        ) throws(StoreError) {
            events = ClientEvents(logger: logger)
            guard let configuration = rd_kafka_conf_new() else {
                throw StoreError(.unavailable, "no memory for a Kafka client")
            }
            var isTaken = false
            defer { if !isTaken { rd_kafka_conf_destroy(configuration) } }
            let own = settings.map { ($0.key, $0.value) }
            for (name, value) in Self.common + Self.security(address) + own {
                // The library's own words are kept back: they quote the value, which may be a password.
                guard rd_kafka_conf_set(configuration, name, value, nil, 0) == RD_KAFKA_CONF_OK else {
                    throw StoreError(
                        .unusable, "librdkafka does not take the setting \(name)",
                        remedy: "use a librdkafka of version 2 that is built with what inbox.url asks for")
                }
            }
            rd_kafka_conf_set_opaque(configuration, Unmanaged.passUnretained(events).toOpaque())
            rd_kafka_conf_set_log_cb(configuration) { client, _, facility, text in
                // Its log tells of every attempt to connect; what matters comes as an error, too.
                guard let opaque = rd_kafka_opaque(client), let text else { return }
                let events = Unmanaged<ClientEvents>.fromOpaque(opaque).takeUnretainedValue()
                events.logger.debug(
                    "Kafka client",
                    metadata: [
                        "facility": "\(facility.map { String(cString: $0) } ?? "")",
                        "text": "\(String(cString: text))",
                    ])
            }
            rd_kafka_conf_set_error_cb(configuration) { _, code, reason, opaque in
                guard let opaque else { return }
                Unmanaged<ClientEvents>.fromOpaque(opaque).takeUnretainedValue()
                    .onError?(rd_kafka_resp_err_t(code), reason.map { String(cString: $0) } ?? "")
            }
            if kind == RD_KAFKA_CONSUMER {
                rd_kafka_conf_set_rebalance_cb(configuration) { _, code, partitions, opaque in
                    guard let opaque, let partitions else { return }
                    Unmanaged<ClientEvents>.fromOpaque(opaque).takeUnretainedValue().onRebalance?(code, partitions)
                }
            } else {
                rd_kafka_conf_set_dr_msg_cb(configuration) { _, message, _ in
                    guard let message, let opaque = message.pointee._private else { return }
                    Unmanaged<AppendTicket>.fromOpaque(opaque).takeRetainedValue().report(message.pointee.err)
                }
            }
            var reason = [CChar](repeating: 0, count: 256)
            guard let pointer = rd_kafka_new(kind, configuration, &reason, reason.count) else {
                throw StoreError(
                    .unusable, "librdkafka makes no client of inbox.url: \(Self.text(reason))",
                    remedy: "check inbox.url")
            }
            isTaken = true
            self.pointer = pointer
        }

        /// Reads what a C function has written into a buffer.
        static func text(_ buffer: [CChar]) -> String {
            String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }

        private static let common = [
            ("client.id", "martlet"), ("socket.keepalive.enable", "true"), ("socket.timeout.ms", "10000"),
            ("socket.connection.setup.timeout.ms", "10000"),
            // So that a broker that comes back is found within seconds.
            ("reconnect.backoff.max.ms", "2000"),
        ]

        private static func security(_ address: KafkaAddress) -> [(String, String)] {
            var settings = [("bootstrap.servers", address.brokers.joined(separator: ","))]
            let isSASL = address.credentials != nil
            settings.append(
                ("security.protocol", "\(isSASL ? "sasl_" : "")\(address.usesTLS ? "ssl" : "plaintext")"))
            // The default of version 2, but not of those before it: the certificate has to be the broker's own.
            if address.usesTLS { settings.append(("ssl.endpoint.identification.algorithm", "https")) }
            if let credentials = address.credentials {
                settings += [
                    ("sasl.mechanism", credentials.mechanism.rawValue.uppercased()),
                    ("sasl.username", credentials.user), ("sasl.password", credentials.password.exposed),
                ]
            }
            return settings
        }
    }
#endif
