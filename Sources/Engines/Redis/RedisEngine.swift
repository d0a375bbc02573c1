#if Redis
    import Foundation
    import Martlet

    /// Redis 7 or later as what processes share besides the store: the register of the throttle, the broker of job notices, the
    /// log in which webhooks land. Each uses connections of its own, made when they are needed, and is closed by itself or
    /// with the engine.
    package final class RedisEngine: Sendable {
        package let register: any ThrottleRegister
        package let broker: any JobBroker
        package let inboxLog: any InboxLog
        private let address: RedisAddress
        private let options: RedisOptions

        /// Connects, and makes sure that the server is one that can be used.
        /// - Parameters:
        ///   - url: as ``RedisAddress`` reads it.
        ///   - prefix: what the name of every key begins with; processes that work together have the same.
        /// - throws: ``StoreError/Code/unusable`` for a URL or a server that will not do, ``StoreError/Code/unavailable`` when the
        ///   server cannot be reached now.
        package static func open(url: String, prefix: String = "martlet") async throws(StoreError) -> RedisEngine {
            try await open(url: url, prefix: prefix, options: RedisOptions())
        }

        static func open(url: String, prefix: String, options: RedisOptions) async throws(StoreError) -> RedisEngine {
            let address = try RedisAddress(url: url)
            guard (1...64).contains(prefix.utf8.count), prefix.utf8.allSatisfy(isAllowedInPrefix) else {
                throw StoreError(
                    .unusable, "the prefix of the keys in Redis is not 1 to 64 letters, digits, or of '-_.:'",
                    remedy: "leave it as it is, or choose a plain word")
            }
            let engine = RedisEngine(address, prefix: prefix, options: options)
            try await engine.check()
            return engine
        }

        private static func isAllowedInPrefix(_ byte: UInt8) -> Bool {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                true
            default: "-_.:".utf8.contains(byte)
            }
        }

        private init(_ address: RedisAddress, prefix: String, options: RedisOptions) {
            let receiver = Self.receiverName()
            self.address = address
            self.options = options
            register = RedisThrottleRegister(address, prefix: prefix, options: options)
            broker = RedisJobBroker(address, prefix: prefix, receiver: receiver, options: options)
            inboxLog = RedisInboxLog(address, prefix: prefix, receiver: receiver, options: options)
        }

        /// Makes sure that the server answers and can be used. Each part has a check of its own that also writes.
        package func check() async throws(StoreError) {
            _ = try await withLink { link throws(RedisFailure) in try await Self.ask(link, "PING") }
        }

        /// What operators should know about how the server is set up, a sentence each.
        ///
        /// Redis keeps what it is told to keep: nothing of this hinders the start.
        /// - parameter keepsInbox: whether webhooks are kept here, which alone must outlive the server.
        package func warnings(keepsInbox: Bool) async throws(StoreError) -> [String] {
            try await withLink { link throws(RedisFailure) in
                let persistence = ServerFacts(try await Self.ask(link, "INFO", "persistence").text ?? "")
                let memory = ServerFacts(try await Self.ask(link, "INFO", "memory").text ?? "")
                var sentences: [String] = []
                if keepsInbox {
                    let isAppending = persistence["aof_enabled"] == "1"
                    let policy = isAppending ? try await Self.appendPolicy(link) : nil
                    if let sentence = Self.durabilityWarning(isAppending: isAppending, policy: policy) {
                        sentences.append(sentence)
                    }
                }
                if let policy = memory["maxmemory_policy"], policy != "noeviction" {
                    sentences.append(
                        "Redis may drop keys when its memory is full (maxmemory-policy is \(policy.prefix(40))). Set it to noeviction."
                    )
                }
                return sentences
            }
        }

        private static func durabilityWarning(isAppending: Bool, policy: String?) -> String? {
            guard isAppending else {
                return
                    "Redis keeps no append-only file: webhooks in inbox.url are lost when it ends. Set appendonly to yes and appendfsync to always."
            }
            switch policy {
            case "always": return nil
            case "everysec", "no":
                return
                    "Redis writes its append-only file behind: the last webhooks in inbox.url may be lost when its machine ends. Set appendfsync to always."
            default:
                return
                    "Redis does not tell its appendfsync: make sure that it is always where webhooks are kept in inbox.url."
            }
        }

        /// Ends every connection. What was received and not finished is free for others.
        package func close() async {
            await broker.close()
            await inboxLog.close()
            await register.close()
        }

        /// Nil where the server does not let this user see it.
        private static func appendPolicy(_ link: RedisLink) async throws(RedisFailure) -> String? {
            do throws(RedisFailure) {
                return try await ask(link, "CONFIG", "GET", "appendfsync").list?.last?.text
            } catch {
                guard case .refused = error else { throw error }
                return nil
            }
        }

        private static func ask(_ link: RedisLink, _ words: String...) async throws(RedisFailure) -> RedisReply {
            try await link.perform(words.map { Array($0.utf8) }).reply
        }

        /// Runs the body with a connection for it alone: what is asked here is asked seldom.
        private func withLink<Value>(
            _ body: (RedisLink) async throws(RedisFailure) -> Value
        ) async throws(StoreError) -> Value {
            let link = RedisLink(address, name: "redis-check", options: options)
            let result: Result<Value, RedisFailure>
            do throws(RedisFailure) { result = .success(try await body(link)) } catch { result = .failure(error) }
            await link.close()
            return try result.mapError(\.storeError).get()
        }

        /// Under which this process stands in the consumer groups: its machine and number, for operators, and a random part,
        /// as numbers come again.
        private static func receiverName() -> String {
            var buffer = [CChar](repeating: 0, count: 256)
            gethostname(&buffer, buffer.count - 1)
            let machine = String(
                decoding: buffer.prefix { $0 != 0 }.prefix(64).map { UInt8(bitPattern: $0) }, as: UTF8.self)
            let random = String(UInt64.random(in: .min ... .max), radix: 36)
            return "\(machine):\(ProcessInfo.processInfo.processIdentifier):\(random)"
        }
    }
#endif
