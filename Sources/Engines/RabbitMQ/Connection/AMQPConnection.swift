#if RabbitMQ
    import CRabbitMQ
    import Martlet

    #if canImport(Glibc)
        import Glibc
    #elseif canImport(Musl)
        import Musl
    #endif

    /// A connection with one channel, used by one thread. After a failure it can only be closed.
    ///
    /// Heartbeats are sent and missed while ``nextEvent(waiting:)`` is called, so that must be done every second or so.
    final class AMQPConnection {
        let state: OpaquePointer
        /// The socket, for waiting on it. Waiting makes sense only when ``nextEvent(waiting:)`` had nothing.
        let descriptor: Int32
        /// The channel that is open; frames of an earlier one mean nothing any more.
        private(set) var channel: amqp_channel_t = 1
        private var content: AMQPContent?
        private var isClosed = false

        private static let connectTimeout: Duration = .seconds(5)
        private static let callTimeout: Duration = .seconds(10)

        /// Blocks until there is a connection, or until it is clear that there is none.
        /// - parameter name: what operators see it as, in RabbitMQ's list of connections.
        init(_ address: RabbitMQAddress, name: String, heartbeat: Duration) throws(AMQPFailure) {
            (state, descriptor) = try Self.opened(address, name: name, heartbeat: heartbeat)
            amqp_channel_open(state, channel)
            try expectReply(to: "opening a channel")
        }

        deinit { amqp_destroy_connection(state) }

        /// Says good-bye, for a second at most. What was delivered and not acknowledged is the broker's again.
        func close() {
            guard !isClosed else { return }
            isClosed = true
            var timeout = timeval(tv_sec: 1, tv_usec: 0)
            amqp_set_rpc_timeout(state, &timeout)
            _ = amqp_connection_close(state, AMQP_REPLY_SUCCESS)
        }

        /// Declares every exchange and queue; what is there already with the same arguments stays.
        func declare(_ topology: Topology) throws(AMQPFailure) {
            for exchange in topology.exchanges {
                amqp_exchange_declare(
                    state, channel, exchange.name.amqp(in: scratch), exchange.kind.amqp(in: scratch), 0, 1, 0, 0,
                    amqp_table_t(num_entries: 0, entries: nil))
                try expectReply(to: "declaring the exchange \(exchange.name)")
            }
            for queue in topology.queues {
                var entries = queue.arguments.map { argument in
                    let key = argument.name.cString(in: scratch)
                    return switch argument.value {
                    case .text(let value): martlet_amqp_text(key, value.cString(in: scratch))
                    case .number(let value): martlet_amqp_number(key, value)
                    }
                }
                entries.withUnsafeMutableBufferPointer { entries in
                    let table = amqp_table_t(num_entries: Int32(entries.count), entries: entries.baseAddress)
                    _ = amqp_queue_declare(
                        state, channel, queue.name.amqp(in: scratch), 0, 1, 0, 0, table)
                }
                try expectReply(to: "declaring the queue \(queue.name)")
                amqp_queue_bind(
                    state, channel, queue.name.amqp(in: scratch), queue.exchange.amqp(in: scratch),
                    queue.routingKey.amqp(in: scratch), amqp_table_t(num_entries: 0, entries: nil))
                try expectReply(to: "binding the queue \(queue.name)")
            }
        }

        /// How many messages are in a queue that no receiver has. Fails when there is no such queue.
        func ready(in queue: String) throws(AMQPFailure) -> Int {
            let answer = amqp_queue_declare(
                state, channel, queue.amqp(in: scratch), 1, 1, 0, 0, amqp_table_t(num_entries: 0, entries: nil))
            let count = answer.map { Int($0.pointee.message_count) }
            try expectReply(to: "looking at the queue \(queue)")
            return count ?? 0
        }

        // MARK: Publishing

        /// Has every message that is published from now on confirmed; they are numbered from 1.
        func confirmMessages() throws(AMQPFailure) {
            amqp_confirm_select(state, channel)
            try expectReply(to: "asking for confirms")
        }

        /// Sends a message, which the broker returns when no queue takes it.
        func publish(_ message: OutgoingMessage) throws(AMQPFailure) {
            var properties = amqp_basic_properties_t()
            properties._flags = martlet_amqp_property_flags
            properties.content_type = "application/json".amqp(in: scratch)
            properties.delivery_mode = UInt8(AMQP_DELIVERY_PERSISTENT.rawValue)
            properties.message_id = message.id.amqp(in: scratch)
            properties.type = message.type.amqp(in: scratch)
            properties.app_id = "martlet".amqp(in: scratch)
            let status = message.body.withUnsafeBytes { body in
                amqp_basic_publish(
                    state, channel, message.exchange.amqp(in: scratch), message.routingKey.amqp(in: scratch), 1, 0,
                    &properties,
                    amqp_bytes_t(len: body.count, bytes: UnsafeMutableRawPointer(mutating: body.baseAddress)))
            }
            scratch.clear()
            try expect(status, during: "publishing")
        }

        // MARK: Receiving

        /// Lets each consumer that begins after this have so many messages unacknowledged.
        func limitPrefetch(to count: Int) throws(AMQPFailure) {
            amqp_basic_qos(state, channel, 0, UInt16(clamping: count), 0)
            try expectReply(to: "setting the prefetch")
        }

        /// Begins to get a queue's messages.
        /// - parameter consumer: what the deliveries are marked with.
        func consume(_ queue: String, as consumer: String) throws(AMQPFailure) {
            amqp_basic_consume(
                state, channel, queue.amqp(in: scratch), consumer.amqp(in: scratch), 0, 0, 0,
                amqp_table_t(num_entries: 0, entries: nil))
            try expectReply(to: "consuming from \(queue)")
        }

        /// Ends getting a queue's messages; what was delivered stays. Some may still come in the events after this.
        func cancel(_ consumer: String) throws(AMQPFailure) {
            amqp_basic_cancel(state, channel, consumer.amqp(in: scratch))
            try expectReply(to: "ending a consumer")
        }

        /// - parameter multiple: with everything that was delivered before it.
        func acknowledge(_ tag: UInt64, multiple: Bool) throws(AMQPFailure) {
            try expect(amqp_basic_ack(state, channel, tag, multiple ? 1 : 0), during: "acknowledging")
        }

        /// Gives a message back: to be delivered again, or to the dead letters.
        func reject(_ tag: UInt64, requeue: Bool) throws(AMQPFailure) {
            try expect(amqp_basic_reject(state, channel, tag, requeue ? 1 : 0), during: "rejecting")
        }

        /// Gives the channel up for a new one, on which deliveries are numbered anew. What was not acknowledged, and what is on
        /// its way, is the broker's again.
        func renewChannel() throws(AMQPFailure) {
            let reply = amqp_channel_close(state, channel, AMQP_REPLY_SUCCESS)
            guard reply.reply_type == AMQP_RESPONSE_NORMAL else {
                throw AMQPFailure(reply, during: "closing a channel")
            }
            // What came while it was being closed is still to be read: another number tells it apart.
            channel = channel == 1 ? 2 : 1
            content = nil
            amqp_channel_open(state, channel)
            try expectReply(to: "opening a channel")
        }

        // MARK: What the broker sends

        /// Waits for the next thing the broker sends; nil when it sent none in that time.
        func nextEvent(waiting duration: Duration) throws(AMQPFailure) -> AMQPEvent? {
            let end = ContinuousClock.now + duration
            while true {
                var timeout = timeval(max(.zero, end - .now))
                var frame = amqp_frame_t()
                let status = amqp_simple_wait_frame_noblock(state, &frame, &timeout)
                if status == AMQP_STATUS_TIMEOUT.rawValue {
                    amqp_maybe_release_buffers(state)
                    return nil
                }
                try expect(status, during: "waiting for the broker")
                if let event = try event(in: frame) {
                    // What was needed of the frame is copied.
                    amqp_maybe_release_buffers(state)
                    return event
                }
            }
        }

        private func event(in frame: amqp_frame_t) throws(AMQPFailure) -> AMQPEvent? {
            guard frame.channel == channel || frame.channel == 0 else { return nil }
            guard Int32(frame.frame_type) == AMQP_FRAME_METHOD else {
                guard let event = content?.add(frame) else { return nil }
                content = nil
                return event
            }
            let method = frame.payload.method
            func decoded<Method>(_: Method.Type) -> Method {
                method.decoded.assumingMemoryBound(to: Method.self).pointee
            }
            switch method.id {
            case martlet_amqp_basic_ack:
                let ack = decoded(amqp_basic_ack_t.self)
                return .confirmed(tag: ack.delivery_tag, multiple: ack.multiple != 0)
            case martlet_amqp_basic_nack:
                let nack = decoded(amqp_basic_nack_t.self)
                return .refused(tag: nack.delivery_tag, multiple: nack.multiple != 0)
            case martlet_amqp_basic_deliver:
                let deliver = decoded(amqp_basic_deliver_t.self)
                content = AMQPContent(
                    .delivery(AMQPDelivery(tag: deliver.delivery_tag, consumer: deliver.consumer_tag.text)))
                return nil
            case martlet_amqp_basic_return:
                content = AMQPContent(.returned(reason: decoded(amqp_basic_return_t.self).reply_text.text))
                return nil
            case martlet_amqp_basic_cancel:
                return .cancelled(consumer: decoded(amqp_basic_cancel_t.self).consumer_tag.text)
            case martlet_amqp_connection_blocked:
                return .blocked(reason: decoded(amqp_connection_blocked_t.self).reason.text)
            case martlet_amqp_connection_unblocked:
                return .unblocked
            case martlet_amqp_channel_close, martlet_amqp_connection_close:
                throw AMQPFailure.closed(method)
            default:
                return nil
            }
        }

        // MARK: Details

        private let scratch = CTexts()

        private func expectReply(to action: String) throws(AMQPFailure) {
            scratch.clear()
            let reply = amqp_get_rpc_reply(state)
            guard reply.reply_type == AMQP_RESPONSE_NORMAL else { throw AMQPFailure(reply, during: action) }
        }

        private func expect(_ status: Int32, during action: String) throws(AMQPFailure) {
            guard status == AMQP_STATUS_OK.rawValue else { throw AMQPFailure(status: status, during: action) }
        }

        private static func opened(
            _ address: RabbitMQAddress, name: String, heartbeat: Duration
        ) throws(AMQPFailure) -> (OpaquePointer, Int32) {
            guard let state = amqp_new_connection() else { throw AMQPFailure("no memory for a connection") }
            do throws(AMQPFailure) {
                let descriptor = try connect(state, to: address)
                try logIn(state, address, name: name, heartbeat: heartbeat)
                return (state, descriptor)
            } catch {
                amqp_destroy_connection(state)
                throw error
            }
        }

        private static func connect(_ state: OpaquePointer, to address: RabbitMQAddress) throws(AMQPFailure) -> Int32 {
            let socket: OpaquePointer?
            if address.isEncrypted {
                socket = amqp_ssl_socket_new(state)
                guard let authorities = address.certificateAuthorities ?? systemAuthorities() else {
                    throw AMQPFailure("no file with trusted certificates was found; name one with ?cacert=PATH")
                }
                let status = amqp_ssl_socket_set_cacert(socket, authorities)
                guard status == AMQP_STATUS_OK.rawValue else {
                    throw AMQPFailure("no trusted certificates could be read from \(authorities)")
                }
                amqp_ssl_socket_set_verify_peer(socket, 1)
                amqp_ssl_socket_set_verify_hostname(socket, 1)
                amqp_ssl_socket_set_ssl_versions(socket, AMQP_TLSv1_2, AMQP_TLSvLATEST)
            } else {
                socket = amqp_tcp_socket_new(state)
            }
            guard let socket else { throw AMQPFailure("no memory for a socket") }
            var timeout = timeval(connectTimeout)
            let status = amqp_socket_open_noblock(socket, address.host, Int32(address.port), &timeout)
            guard status == AMQP_STATUS_OK.rawValue else {
                throw AMQPFailure(status: status, during: "connecting to \(address.host):\(address.port)")
            }
            let descriptor = amqp_get_sockfd(state)
            // A peer that is gone without a word must not hold a thread that sends.
            set(descriptor, Int32(IPPROTO_TCP), TCP_USER_TIMEOUT, to: 15_000)
            // The whole window of messages without confirm fits in, so that sending waits for nobody.
            set(descriptor, SOL_SOCKET, SO_SNDBUF, to: 1 << 20)
            return descriptor
        }

        private static func set(_ descriptor: Int32, _ level: Int32, _ option: Int32, to value: Int32) {
            var value = value
            setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
        }

        /// Where systems keep the certificates they trust; the client library does not look there itself.
        private static func systemAuthorities() -> String? {
            let named = getenv("SSL_CERT_FILE").map { String(cString: $0) }
            let usual = ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"]
            return ([named].compactMap(\.self) + usual).first { access($0, R_OK) == 0 }
        }

        private static func logIn(
            _ state: OpaquePointer, _ address: RabbitMQAddress, name: String, heartbeat: Duration
        ) throws(AMQPFailure) {
            var timeout = timeval(callTimeout)
            amqp_set_handshake_timeout(state, &timeout)
            amqp_set_rpc_timeout(state, &timeout)
            let seconds = Int32(clamping: max(1, heartbeat.components.seconds))
            let reply = martlet_amqp_login(
                state, address.virtualHost, seconds, name, address.user, address.password.exposed)
            guard reply.reply_type == AMQP_RESPONSE_NORMAL else { throw AMQPFailure(reply, during: "logging in") }
            try expectVersion(martlet_amqp_server_property(state, "version").text)
        }

        /// Quorum queues let messages expire since 3.10.
        private static func expectVersion(_ version: String) throws(AMQPFailure) {
            let numbers = version.split(separator: ".").prefix(2).compactMap { Int($0) }
            guard numbers.count == 2, (numbers[0], numbers[1]) < (3, 10) else { return }
            throw AMQPFailure(code: Int(AMQP_NOT_IMPLEMENTED), "3.10 or later is needed; the broker is \(version)")
        }
    }

    extension timeval {
        fileprivate init(_ duration: Duration) {
            let (seconds, attoseconds) = duration.components
            self.init(tv_sec: Int(seconds), tv_usec: Int(attoseconds / 1_000_000_000_000))
        }
    }

    /// Texts that C is handed, until they are cleared.
    private final class CTexts {
        private var texts: [UnsafeMutablePointer<CChar>] = []

        deinit { clear() }

        func add(_ text: String) -> UnsafeMutablePointer<CChar> {
            let copy = strdup(text)!
            texts.append(copy)
            return copy
        }

        func clear() {
            for text in texts { free(text) }
            texts.removeAll(keepingCapacity: true)
        }
    }

    extension String {
        fileprivate func cString(in texts: CTexts) -> UnsafePointer<CChar> { UnsafePointer(texts.add(self)) }
        fileprivate func amqp(in texts: CTexts) -> amqp_bytes_t { amqp_cstring_bytes(texts.add(self)) }
    }
#endif
