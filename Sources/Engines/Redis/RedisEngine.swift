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
        private let link: RedisLink

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
            do {
                try await engine.check()
            } catch {
                await engine.close()
                throw error
            }
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
            link = RedisLink(address, name: "redis", options: options)
            register = RedisThrottleRegister(address, prefix: prefix, options: options)
            broker = RedisJobBroker(address, prefix: prefix, receiver: receiver, options: options)
            inboxLog = RedisInboxLog(address, prefix: prefix, receiver: receiver, options: options)
        }

        /// Makes sure that the server answers. Each part has a check of its own that also writes.
        package func check() async throws(StoreError) { _ = try await ask("PING") }

        /// What operators should know about how the server is set up, a sentence each.
        ///
        /// Redis keeps what it is told to keep: nothing of this hinders the start.
        package func warnings() async throws(StoreError) -> [String] {
            let persistence = ServerFacts(try await ask("INFO", "persistence").text ?? "")
            let memory = ServerFacts(try await ask("INFO", "memory").text ?? "")
            var sentences: [String] = []
            if persistence["aof_enabled"] != "1" {
                sentences.append(
                    "Redis keeps no append-only file: webhooks in inbox.url are lost when it ends. Set appendonly to yes and appendfsync to always."
                )
            } else {
                switch try await appendPolicy() {
                case "always": break
                case "everysec", "no":
                    sentences.append(
                        "Redis writes its append-only file behind: the last webhooks in inbox.url may be lost when its machine ends. Set appendfsync to always."
                    )
                default:
                    sentences.append(
                        "Redis does not tell its appendfsync: make sure that it is always where webhooks are kept in inbox.url."
                    )
                }
            }
            if let policy = memory["maxmemory_policy"], policy != "noeviction" {
                sentences.append(
                    "Redis may drop keys when its memory is full (maxmemory-policy is \(policy.prefix(40))). Set it to noeviction."
                )
            }
            return sentences
        }

        /// Ends every connection. What was received and not finished is free for others.
        package func close() async {
            await broker.close()
            await inboxLog.close()
            await register.close()
            await link.close()
        }

        /// Nil where the server does not let this user see it.
        private func appendPolicy() async throws(StoreError) -> String? {
            do throws(RedisFailure) {
                let words = ["CONFIG", "GET", "appendfsync"]
                return try await link.perform(words.map { Array($0.utf8) }).reply.list?.last?.text
            } catch {
                guard case .refused = error else { throw error.storeError }
                return nil
            }
        }

        private func ask(_ words: String...) async throws(StoreError) -> RedisReply {
            do throws(RedisFailure) {
                return try await link.perform(words.map { Array($0.utf8) }).reply
            } catch {
                throw error.storeError
            }
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
