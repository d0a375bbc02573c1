#if SQS
    import AsyncHTTPClient
    import Foundation
    import Logging
    import Martlet
    import NIOCore
    import Synchronization

    /// Where the keys come from: the environment, the role of a container, or that of an instance on EC2. Those of a role end
    /// after some hours and are asked for again before.
    final class CredentialSource: Sendable {
        enum Origin: Sendable, Equatable {
            case fixed(SQSCredentials)
            /// <https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html>
            case container(url: String, token: Secret<String>?, tokenFile: String?)
            /// <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-metadata-security-credentials.html>
            case instance(endpoint: String)
        }

        /// An answer is about two kilobytes, most of them the token.
        private static let answerBytesMax = 64 << 10
        /// The addresses are on the same machine or one hop away.
        private static let timeout: TimeAmount = .seconds(2)
        /// How long before their end keys are asked for again, and the pause after that.
        private static let renewalLead: Duration = .seconds(300)
        private static let renewalPause: Duration = .seconds(30)

        let origin: Origin
        private let http: HTTPClient
        private let logger: Logger
        private let state = Mutex<Held?>(nil)

        private struct Held {
            var credentials: SQSCredentials
            var endsAt: Timestamp
            var renewAt: Timestamp
        }

        init(_ origin: Origin, http: HTTPClient, logger: Logger) {
            self.origin = origin
            self.http = http
            self.logger = logger
        }

        /// Drops the keys of a role, because they were refused.
        /// - returns: whether others may be had.
        func forget() -> Bool {
            if case .fixed = origin { return false }
            state.withLock { $0 = nil }
            return true
        }

        /// The keys that hold at that moment.
        func credentials(at moment: Timestamp) async throws(SQSFailure) -> SQSCredentials {
            if case .fixed(let credentials) = origin { return credentials }
            let held = state.withLock(\.self)
            if let held, moment < held.renewAt { return held.credentials }
            do throws(SQSFailure) {
                let (credentials, endsAt) = try await ask()
                let renewAt = max(moment + Self.renewalPause, endsAt - Self.renewalLead)
                state.withLock { $0 = Held(credentials: credentials, endsAt: endsAt, renewAt: renewAt) }
                return credentials
            } catch {
                guard let held, moment < held.endsAt else { throw error }
                logger.warning("the role's keys could not be renewed: \(error.code)")
                state.withLock { $0?.renewAt = moment + Self.renewalPause }
                return held.credentials
            }
        }

        private func ask() async throws(SQSFailure) -> (SQSCredentials, endsAt: Timestamp) {
            switch origin {
            case .fixed(let credentials): return (credentials, Timestamp(microseconds: .max))
            case .container(let url, let token, let tokenFile):
                var token = token
                if token == nil, let tokenFile { token = try Self.contents(tokenFile) }
                return try Self.read(
                    await get(url, headers: token.map { [("authorization", $0.exposed)] } ?? []))
            case .instance(let endpoint):
                let base = endpoint + "/latest/"
                let session = try await text(
                    base + "api/token", method: .PUT, headers: [("x-aws-ec2-metadata-token-ttl-seconds", "300")])
                let headers = [("x-aws-ec2-metadata-token", session)]
                let roles = base + "meta-data/iam/security-credentials/"
                let role = try await text(roles, headers: headers)
                return try Self.read(await get(roles + SignatureV4.percentEncoded(role), headers: headers))
            }
        }

        /// One line of what may stand in a header.
        private static func line(_ bytes: some Collection<UInt8>) -> String? {
            let text = String(decoding: bytes, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
            return !text.isEmpty && text.utf8.allSatisfy { (0x21...0x7E).contains($0) } ? text : nil
        }

        private static func contents(_ path: String) throws(SQSFailure) -> Secret<String> {
            guard let file = FileHandle(forReadingAtPath: path), let data = try? file.read(upToCount: answerBytesMax),
                let text = line(data)
            else {
                throw SQSFailure(.denied, code: "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE names no file with a token")
            }
            return Secret(text)
        }

        private func text(
            _ url: String, method: HTTPMethod = .GET, headers: [(String, String)]
        ) async throws(SQSFailure) -> String {
            guard let text = Self.line(try await get(url, method: method, headers: headers)) else {
                throw SQSFailure(.denied, code: "no keys", detail: "the instance's metadata name no role")
            }
            return text
        }

        private func get(
            _ url: String, method: HTTPMethod = .GET, headers: [(String, String)]
        ) async throws(SQSFailure) -> [UInt8] {
            var request = HTTPClientRequest(url: url)
            request.method = method == .PUT ? .PUT : .GET
            for (name, value) in headers { request.headers.add(name: name, value: value) }
            do {
                let response = try await http.execute(request, timeout: Self.timeout)
                let body = try await response.body.collect(upTo: Self.answerBytesMax)
                guard response.status == .ok else {
                    throw SQSFailure(
                        response.status.code >= 500 ? .transient : .denied, code: "no keys",
                        detail: "\(place) answered with \(response.status.code)")
                }
                return Array(body.readableBytesView)
            } catch let failure as SQSFailure {
                throw failure
            } catch {
                let reason = (error as? HTTPClientError)?.shortDescription ?? String(describing: type(of: error))
                throw SQSFailure(.denied, code: "no keys", detail: "\(place) cannot be asked: \(reason)")
            }
        }

        private enum HTTPMethod { case GET, PUT }

        private var place: String {
            switch origin {
            case .instance: "AWS_ACCESS_KEY_ID is not set, and the instance's metadata service"
            default: "the container's address for keys"
            }
        }

        /// Reads `{"AccessKeyId":"…","SecretAccessKey":"…","Token":"…","Expiration":"…"}`.
        static func read(_ bytes: [UInt8]) throws(SQSFailure) -> (SQSCredentials, endsAt: Timestamp) {
            let answer = (try? JSONParser.value(bytes)) ?? .null
            guard let endsAt = answer["Expiration"]?.stringValue.flatMap({ Timestamp(rfc3339: $0) }),
                let token = answer["Token"]?.stringValue,
                let credentials = try? SQSCredentials(environment: [
                    "AWS_ACCESS_KEY_ID": answer["AccessKeyId"]?.stringValue ?? "",
                    "AWS_SECRET_ACCESS_KEY": answer["SecretAccessKey"]?.stringValue ?? "", "AWS_SESSION_TOKEN": token,
                ])
            else {
                throw SQSFailure(.denied, code: "no keys", detail: "the answer with the role's keys cannot be read")
            }
            return (credentials, endsAt)
        }
    }

    extension CredentialSource.Origin {
        private static let containerHost = "http://169.254.170.2"
        private static let instanceEndpoint = "http://169.254.169.254"
        /// Where keys may be asked for without TLS: the addresses of ECS and EKS, and this machine.
        private static let plainHosts: Set<String> = [
            "169.254.170.2", "169.254.170.23", "[fd00:ec2::23]", "127.0.0.1", "localhost", "[::1]",
        ]

        /// Keys in the environment come first, then a container's role, then an instance's.
        /// - throws: ``StoreError/Code/unusable``, naming the variable that is wrong or missing.
        init(environment: [String: String]) throws(StoreError) {
            func value(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
            let hasKeys = value("AWS_ACCESS_KEY_ID") != nil || value("AWS_SECRET_ACCESS_KEY") != nil
            let relative = value("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")
            let full = value("AWS_CONTAINER_CREDENTIALS_FULL_URI")
            if hasKeys || relative == nil && full == nil && value("AWS_EC2_METADATA_DISABLED")?.lowercased() == "true" {
                self = .fixed(try SQSCredentials(environment: environment))
            } else if let relative {
                guard relative.hasPrefix("/"), WebAddress(Self.containerHost + relative) != nil else {
                    throw Self.problem("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI is no path")
                }
                self = .container(url: Self.containerHost + relative, token: nil, tokenFile: nil)
            } else if let full {
                guard WebAddress(full) != nil, full.hasPrefix("https://") || Self.isPlainAllowed(full) else {
                    throw Self.problem("AWS_CONTAINER_CREDENTIALS_FULL_URI is no address that keys may be asked from")
                }
                self = .container(
                    url: full, token: try Self.token(value("AWS_CONTAINER_AUTHORIZATION_TOKEN")),
                    tokenFile: value("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"))
            } else {
                let endpoint = value("AWS_EC2_METADATA_SERVICE_ENDPOINT") ?? Self.instanceEndpoint
                guard WebAddress(endpoint) != nil else {
                    throw Self.problem("AWS_EC2_METADATA_SERVICE_ENDPOINT is no address")
                }
                self = .instance(endpoint: endpoint.hasSuffix("/") ? String(endpoint.dropLast()) : endpoint)
            }
        }

        private static func isPlainAllowed(_ url: String) -> Bool {
            guard url.hasPrefix("http://") else { return false }
            let authority = url.dropFirst("http://".count).prefix { $0 != "/" && $0 != "?" && $0 != "#" }
            let host = authority.hasPrefix("[") ? authority.prefix { $0 != "]" } + "]" : authority.prefix { $0 != ":" }
            return plainHosts.contains(String(host))
        }

        private static func token(_ text: String?) throws(StoreError) -> Secret<String>? {
            guard let text else { return nil }
            guard text.utf8.allSatisfy({ (0x20...0x7E).contains($0) }) else {
                throw problem("AWS_CONTAINER_AUTHORIZATION_TOKEN has characters that no header may have")
            }
            return Secret(text)
        }

        private static func problem(_ text: String) -> StoreError {
            StoreError(
                .unusable, text, remedy: "it is set by ECS or EKS; or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
        }
    }
#endif
