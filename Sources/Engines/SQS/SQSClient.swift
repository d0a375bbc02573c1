#if SQS
    import AsyncHTTPClient
    import Logging
    import Martlet
    import NIOCore
    import Synchronization

    /// Makes signed requests and tries those again that failed for a while. The actions that are used may all be repeated: at
    /// worst a notice is there twice.
    final class SQSClient: Sendable {
        /// Ten notices are a few kilobytes; ten messages that others put in may have a mebibyte each.
        static let answerBytesMax = 16 << 20
        /// Below this, a difference of the clocks is nothing to the service, which allows five minutes.
        private static let skewMin: Duration = .seconds(60)

        let options: SQSOptions
        private let address: SQSAddress
        private let keys: CredentialSource
        private let http: HTTPClient
        private let logger: Logger
        private let clock = Mutex(Clock())

        private struct Clock {
            /// What is added to the machine's clock for the service's.
            var offset: Duration = .zero
        }

        init(_ address: SQSAddress, keys origin: CredentialSource.Origin, options: SQSOptions, logger: Logger) {
            self.address = address
            self.options = options
            self.logger = logger
            var configuration = HTTPClient.Configuration()
            configuration.httpVersion = .http1Only
            configuration.redirectConfiguration = .disallow
            configuration.decompression = .disabled
            configuration.timeout.connect = .microseconds(max(1, options.requestTimeout.microseconds))
            configuration.connectionPool.idleTimeout = .seconds(10)
            configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 64
            // Attempts are counted here, and each has its own time.
            configuration.connectionPool.retryConnectionEstablishment = false
            http = HTTPClient(configuration: configuration)
            keys = CredentialSource(origin, http: http, logger: logger)
        }

        /// Ends the connections; requests under way fail. To be called once.
        func shutDown() async {
            do { try await http.shutdown() } catch { logger.debug("closing the connections failed: \(error)") }
        }

        /// Carries out an action.
        /// - parameters:
        ///   - waiting: how long the service itself may take its time, over what a request may take otherwise.
        ///   - persistence: how often it is tried.
        func call(
            _ action: String, _ fields: JSONObject, waiting: Duration = .zero, persistence: Persistence
        ) async throws(SQSFailure) -> JSONObject {
            var persistence = persistence
            var hasSetClock = false
            var hasNewKeys = false
            let body = JSONValue.object(fields).encoded()
            while true {
                do throws(SQSFailure) {
                    return try await attempt(action, body, timeout: options.requestTimeout + waiting)
                } catch {
                    if error.kind == .skewed, error.isClockSet, !hasSetClock {
                        hasSetClock = true
                        continue
                    }
                    if error.areKeysOver, !hasNewKeys, keys.forget() {
                        hasNewKeys = true
                        continue
                    }
                    guard error.kind == .transient, let pause = persistence.nextPause() else {
                        var failure = error
                        failure.action = action
                        throw failure
                    }
                    try await sleep(pause)
                }
            }
        }

        /// Waits before something is tried again.
        func sleep(_ pause: Duration) async throws(SQSFailure) {
            do { try await options.time.sleep(for: pause) } catch { throw SQSFailure(.transient, code: "cancelled") }
        }

        private func attempt(_ action: String, _ body: [UInt8], timeout: Duration) async throws(SQSFailure)
            -> JSONObject
        {
            let offset = clock.withLock(\.offset)
            let moment = options.time.now() + offset
            let (response, bytes) = try await exchange(
                request(action, body, at: moment, credentials: keys.credentials(at: moment)), timeout: timeout)
            let status = Int(response.status.code)
            let answer = (try? JSONParser.value(bytes))?.objectValue
            if (200..<300).contains(status) {
                // An action without a result is answered with nothing.
                guard let answer = bytes.isEmpty ? JSONObject() : answer else {
                    throw SQSFailure(.transient, code: "an answer that is no JSON object")
                }
                return answer
            }
            let code =
                answer?["__type"]?.stringValue ?? response.headers.first(name: "x-amzn-query-error")
                ?? response.headers.first(name: "x-amzn-errortype")
            var failure = SQSFailure(
                status: status, code: code,
                detail: answer?["message"]?.stringValue ?? answer?["Message"]?.stringValue ?? "")
            if failure.kind == .skewed,
                let date = response.headers.first(name: "date").flatMap(Timestamp.init(httpDate:))
            {
                failure.isClockSet = follow(date, signedAt: moment)
            }
            throw failure
        }

        /// Takes over the service's time if it is far from that of the request it refused.
        private func follow(_ date: Timestamp, signedAt moment: Timestamp) -> Bool {
            let difference = date - moment
            guard difference > Self.skewMin || difference < .zero - Self.skewMin else { return false }
            clock.withLock { $0.offset = date - options.time.now() }
            logger.warning("the machine's clock is not that of the SQS endpoint; requests are signed by the endpoint's")
            return true
        }

        private func request(_ action: String, _ body: [UInt8], at moment: Timestamp, credentials: SQSCredentials)
            -> HTTPClientRequest
        {
            var headers = [
                (name: "host", value: address.authority),
                (name: "content-type", value: "application/x-amz-json-1.0"),
                (name: "x-amz-date", value: SignatureV4.dateTime(moment)),
                (name: "x-amz-target", value: "AmazonSQS.\(action)"),
            ]
            if let sessionToken = credentials.sessionToken {
                headers.append((name: "x-amz-security-token", value: sessionToken.exposed))
            }
            let input = SignatureV4.Input(method: "POST", headers: headers, body: body)
            let signature = SignatureV4(credentials: credentials, region: address.region)
            headers.append((name: "authorization", value: signature.authorization(for: input, at: moment)))
            var request = HTTPClientRequest(url: address.endpoint)
            request.method = .POST
            for header in headers { request.headers.add(name: header.name, value: header.value) }
            request.body = .bytes(ByteBuffer(bytes: body))
            return request
        }

        private func exchange(
            _ request: HTTPClientRequest, timeout: Duration
        ) async throws(SQSFailure) -> (HTTPClientResponse, [UInt8]) {
            do {
                let deadline = NIODeadline.now() + .microseconds(max(0, timeout.microseconds))
                let response = try await http.execute(request, deadline: deadline)
                // The time-out ends when the answer begins; the rest of it has as much again.
                return (response, try await body(of: response, timeout: timeout))
            } catch let error as HTTPClientError {
                throw SQSFailure(.transient, code: error.shortDescription)
            } catch is CancellationError {
                throw SQSFailure(.transient, code: "cancelled")
            } catch is NIOTooManyBytesError {
                throw SQSFailure(.refused, code: "an answer larger than \(Self.answerBytesMax) bytes")
            } catch let failure as SQSFailure {
                throw failure
            } catch {
                throw SQSFailure(.transient, code: String(describing: error).cut(to: 80))
            }
        }

        private func body(of response: HTTPClientResponse, timeout: Duration) async throws -> [UInt8] {
            try await withThrowingTaskGroup(of: [UInt8]?.self) { group in
                group.addTask {
                    Array(try await response.body.collect(upTo: Self.answerBytesMax).readableBytesView)
                }
                group.addTask {
                    try await self.options.time.sleep(for: timeout)
                    return nil
                }
                defer { group.cancelAll() }
                guard let bytes = try await group.next() ?? nil else {
                    throw SQSFailure(.transient, code: "an answer that does not end")
                }
                return bytes
            }
        }
    }

    extension Timestamp {
        /// Reads the date of an HTTP header, `Tue, 24 Nov 2026 14:37:42 GMT` (RFC 9110, section 5.6.7); nil when it is none.
        init?(httpDate text: String) {
            guard text.utf8.count <= 40 else { return nil }
            let parts = text.split(separator: " ")
            guard parts.count == 6, parts[5] == "GMT", parts[1].utf8.count == 2, parts[3].utf8.count == 4,
                let month = Self.monthNames.firstIndex(of: String(parts[2]))
            else { return nil }
            let number = month < 9 ? "0\(month + 1)" : "\(month + 1)"
            self.init(rfc3339: "\(parts[3])-\(number)-\(parts[1])T\(parts[4])Z")
        }

        private static let monthNames = [
            "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
        ]
    }
#endif
