import Foundation
import Martlet
import Testing

@testable import MartletCommands

@Suite struct ConfigurationTests {
    private func read(
        _ options: [String: String] = [:], environment: [String: String] = [:], file: String? = nil,
        name: String = "martlet.yaml"
    ) throws -> NodeConfiguration {
        let contents = try file.map { try ConfigurationFile(path: name, bytes: Array($0.utf8)) }
        return try NodeConfiguration(ConfigurationReader(options: options, environment: environment, file: contents))
    }

    @Test func `without any setting the documented defaults hold`() throws {
        let configuration = try read()
        #expect(configuration.http == NodeConfiguration.HTTP(host: "127.0.0.1", port: 8080))
        #expect(configuration.roles == Set(Role.allCases))
        #expect(configuration.store == .sqlite(path: "martlet.db"))
        #expect(configuration.migratesStore)
        #expect(configuration.adminToken == nil)
        #expect(configuration.secretsKey == nil)
        #expect(configuration.pipeline == PipelineConfiguration())
        #expect(configuration.idempotencyWindow == .seconds(86_400))
        #expect(configuration.metricsToken == nil)
        #expect(!configuration.allowsPrivateCallbacks)
        #expect(configuration.logLevel == .info)
        #expect(configuration.logFormat == .text)
    }

    @Test func `the command line wins over the environment, the environment over the file, the file over the default`()
        throws
    {
        let file = "http: {port: 1, host: file.example}\nretry.jitter: 0.5\nstore: {url: 'sqlite:file.db'}\n"
        let configuration = try read(
            ["http.port": "3"], environment: ["MARTLET_HTTP_PORT": "2", "MARTLET_HTTP_HOST": "environment.example"],
            file: file)
        #expect(configuration.http.port == 3)
        #expect(configuration.http.host == "environment.example")
        #expect(configuration.store == .sqlite(path: "file.db"))
        #expect(configuration.pipeline.retry.jitter == 0.5)
        #expect(configuration.pipeline.providerTimeout == .seconds(30))
    }

    @Test(arguments: [
        (
            "yaml",
            "retry:\n  delays: [0.5, 1.5, 4.5]\nroles:\n  - api\n  - worker\nstore.migrate: false\nretention: {days: 0}\n"
        ),
        (
            "json",
            #"{"retry": {"delays": [0.5, 1.5, 4.5]}, "roles": ["api", "worker"], "store.migrate": false, "retention": {"days": 0}}"#
        ),
    ])
    func `a file may nest, dot, and list`(_ kind: String, _ text: String) throws {
        let configuration = try read(file: text, name: "martlet.\(kind)")
        #expect(configuration.pipeline.retry.delays == [.milliseconds(500), .milliseconds(1500), .milliseconds(4500)])
        #expect(configuration.roles == [.api, .worker])
        #expect(!configuration.migratesStore)
        #expect(configuration.pipeline.retention == nil)
    }

    @Test(arguments: ["", "# nothing but a comment\n", "---\n"])
    func `an empty file sets nothing`(_ text: String) throws {
        #expect(try read(file: text).http.port == 8080)
    }

    /// Setting, value, and what the one line must say beside both.
    private static let badValues: [(String, String, String)] = [
        ("http.port", "eighty", "a whole number from 0 to 65535"),
        ("http.port", "-1", "a whole number from 0 to 65535"),
        ("http.port", "65536", "a whole number from 0 to 65535"),
        ("http.port", "8080.0", "a whole number"),
        ("http.port", "", "must not be empty"),
        ("http.host", "a b", "a host name or an IP address"),
        ("http.public_url", "notify.example.com", "an http or https URL"),
        ("http.public_url", "https://notify.example.com/?a=b", "an http or https URL"),
        ("roles", "api,cook", "api, webhooks, worker, console"),
        ("store.url", "mysql://h/db", "sqlite:PATH"),
        ("store.url", "sqlite:", "must name a file"),
        ("store.url", "sqlite", "sqlite:PATH"),
        ("queue.url", "kafka://h:1", "must be store"),
        ("queue.url", "nonsense", "must be store"),
        ("inbox.url", "amqp://h:1", "must be store"),
        ("throttle.url", "amqp://h:1", "must be store"),
        ("store.migrate", "yes", "true or false"),
        ("retry.delays", "5,x", "numbers of seconds"),
        ("retry.delays", "5,,15", "numbers of seconds"),
        ("retry.delays", "5 15", "numbers of seconds"),
        ("retry.delays", "1e3", "numbers of seconds"),
        ("retry.jitter", "1.5", "a number from 0 to 1"),
        ("retry.jitter", "nan", "a number"),
        ("retry.jitter", "-0.1", "a number"),
        ("provider.timeout", "0", "(seconds)"),
        ("unknown.wait", "soon", "(seconds)"),
        ("lease.duration", "inf", "(seconds)"),
        ("idempotency.window", "0", "(seconds)"),
        ("callbacks.allow_private", "1", "true or false"),
        ("retention.days", "1.5", "a whole number"),
        ("log.level", "loud", "trace, debug, info, notice, warning, error, critical"),
        ("log.format", "xml", "text, json"),
    ]

    @Test(arguments: badValues)
    func `a bad value is refused in one line that names it`(_ key: String, _ value: String, _ rule: String) throws {
        let setting = try #require(ConfigurationKey.all.first { $0.name == key })
        let places: [(String, () throws -> NodeConfiguration)] = [
            ("option --\(setting.optionName)", { try read([key: value]) }),
            (
                "environment variable \(setting.environmentName)",
                { try read(environment: [setting.environmentName: value]) }
            ),
            ("file martlet.yaml, line 1", { try read(file: "\(key): '\(value)'\n") }),
        ]
        for (origin, attempt) in places {
            let error = #expect(throws: ConfigurationError.self) { try attempt() }
            let line = error?.description ?? ""
            #expect(!line.contains("\n"))
            for part in [key, "\"\(value)\"", origin, rule] {
                #expect(line.contains(part), "\(line) says nothing of \(part)")
            }
        }
    }

    #if Redis && RabbitMQ && SQS && Kafka
        @Test func `queue, inbox and throttle may be engines of their own, whose URLs are secrets`() throws {
            let store = ["store.url": "postgres://db/martlet"]
            let redis = Secret("redis://:hunter2@h:1/3")
            let configuration = try read(
                store.merging(
                    ["queue.url": redis.exposed, "inbox.url": redis.exposed, "throttle.url": redis.exposed],
                    uniquingKeysWith: { first, _ in first }))
            #expect(configuration.queue == .redis(url: redis))
            #expect(configuration.inbox == .redis(url: redis))
            #expect(configuration.throttle == .redis(url: redis))
            #expect(!"\(configuration)".contains("hunter2"))
            let amqp = store.merging(["queue.url": "amqp://u:p@h:1/v"], uniquingKeysWith: { first, _ in first })
            #expect(try read(amqp).queue == .rabbitmq(url: Secret("amqp://u:p@h:1/v")))
            let sqs = store.merging(["queue.url": "sqs://h/q?region=r"], uniquingKeysWith: { first, _ in first })
            #expect(try read(sqs).queue == .sqs(url: Secret("sqs://h/q?region=r")))
            #expect(try read(["inbox.url": "kafka://h:1"]).inbox == .kafka(url: Secret("kafka://h:1")))
        }

        @Test func `a broker is refused where one process is all there can be`() {
            let error = #expect(throws: ConfigurationError.self) { try read(["queue.url": "redis://h:1"]) }
            #expect(error?.description.contains("store.url to be PostgreSQL") == true)
        }
    #else
        @Test(arguments: [("queue.url", "amqp"), ("inbox.url", "kafka"), ("throttle.url", "redis")])
        func `a build without an engine says so`(_ key: String, _ scheme: String) {
            let error = #expect(throws: ConfigurationError.self) { try read([key: "\(scheme)://h:1"]) }
            #expect(error?.description.contains("the engine \(scheme) is not part of this build") == true)
        }
    #endif

    @Test(arguments: ["admin.token", "metrics.token", "secrets.key"])
    func `a bad secret is refused without being shown`(_ key: String) {
        let error = #expect(throws: ConfigurationError.self) { try read([key: "not good enough"]) }
        let line = error?.description ?? ""
        #expect(line.contains(key))
        #expect(!line.contains("good enough"))
    }

    #if PostgreSQL
        @Test(arguments: ["postgres://anna:hunter2@db/martlet?sslmode=require", "postgresql:///martlet"])
        func `a PostgreSQL database is named by its URL, which is a secret`(_ url: String) throws {
            let store = try read(["store.url": url]).store
            #expect(store == .postgresql(url: Secret(url)))
            #expect(!"\(store)".contains("hunter2"))
        }

        @Test func `a PostgreSQL URL that is none is refused`() {
            #expect(throws: ConfigurationError.self) { try read(["store.url": "postgres:martlet"]) }
        }
    #else
        @Test(arguments: ["postgres://h/db", "postgresql://h/db"])
        func `a build without PostgreSQL says so`(_ url: String) {
            let error = #expect(throws: ConfigurationError.self) { try read(["store.url": url]) }
            #expect(error?.description.contains("not part of this build") == true)
        }
    #endif

    @Test(arguments: [
        ("mysql://anna:hunter2@db/martlet", "mysql://anna:[secret]@db/martlet"),
        ("mysql://anna:hunter2/hunter2@db/martlet", "mysql://anna:[secret]@db/martlet"),
        ("mysql://anna:hunter2@hunter2@db/martlet", "mysql://anna:[secret]@db/martlet"),
        ("mysql:anna:hunter2@db/martlet", "mysql:[secret]@db/martlet"),
        ("mysql://anna@db/martlet", "mysql://anna@db/martlet"),
    ])
    func `a password in a URL is not shown, whatever the URL looks like`(url: String, shown: String) {
        let error = #expect(throws: ConfigurationError.self) { try read(["store.url": url]) }
        #expect(error?.description.contains("hunter2") == false)
        #expect(error?.description.contains("\"\(shown)\"") == true)
    }

    @Test(arguments: [
        ("http:\n  prot: 1\n", ["http.prot", "line 2", "did you mean http.port?"]),
        ("colour: red\n", ["colour", "line 1", "no such setting"]),
        ("http:\n  port:\n", ["http.port", "line 2", "has no value"]),
        ("http:\n  port: ~\n", ["http.port", "has no value"]),
        ("http.port: 1\nhttp: {port: 2}\n", ["http.port", "line 2", "twice"]),
        ("http:\n  port: 1\n  port: 2\n", ["martlet.yaml"]),
        ("roles: [[api]]\n", ["roles", "single values"]),
        ("- api\n", ["martlet.yaml", "mapping"]),
        ("api\n", ["martlet.yaml", "mapping"]),
        ("a: [\n", ["martlet.yaml", "not YAML"]),
    ])
    func `a file with a mistake is refused in one line`(_ text: String, _ parts: [String]) {
        let error = #expect(throws: ConfigurationError.self) { try read(file: text) }
        let line = error?.description ?? ""
        #expect(!line.contains("\n"))
        for part in parts { #expect(line.contains(part), "\(line) says nothing of \(part)") }
    }

    @Test(arguments: [
        #"{"http": {"port": null}}"#, #"{"http": {"prot": 1}}"#, #"[1]"#, "{",
        #"{"http.port": 1, "http": {"port": 2}}"#,
    ])
    func `a JSON file with a mistake is refused in one line`(_ text: String) {
        let error = #expect(throws: ConfigurationError.self) { try read(file: text, name: "martlet.json") }
        #expect(error?.description.contains("\n") == false)
        #expect(error?.description.contains("martlet.json") == true)
    }

    @Test func `settings that contradict each other are refused`() {
        let lease = #expect(throws: ConfigurationError.self) { try read(["lease.duration": "5"]) }
        #expect(lease?.description.contains("provider.timeout") == true)
        let key = #expect(throws: ConfigurationError.self) { try read(["http.tls.certificate": #filePath]) }
        #expect(key?.description.contains("http.tls.key") == true)
        let file = #expect(throws: ConfigurationError.self) {
            try read(["http.tls.certificate": "/nowhere.pem", "http.tls.key": #filePath])
        }
        #expect(file?.description.contains("/nowhere.pem") == true)
    }

    @Test func `unknown variables are told, others' variables are not`() {
        let reader = ConfigurationReader(
            options: [:],
            environment: [
                "MARTLET_COLOUR": "red", "MARTLET_URL": "x", "MARTLET_KEY": "x", "MARTLET_TEST_PYTHON": "x",
                "MARTLET_HTTP_PORT": "1", "HOME": "/",
            ])
        #expect(reader.unknownEnvironmentNames == ["MARTLET_COLOUR"])
    }

    @Test(arguments: [
        ("sqlite:martlet.db", "martlet.db"), ("sqlite:/var/lib/martlet/m.db", "/var/lib/martlet/m.db"),
        ("sqlite:///var/lib/m.db", "/var/lib/m.db"), ("sqlite:a folder/m.db", "a folder/m.db"),
    ])
    func `a database's path is read`(_ url: String, _ path: String) throws {
        #expect(try read(["store.url": url]).store == .sqlite(path: path))
    }

    @Test func `the store may be named as its own queue`() throws {
        #expect(throws: Never.self) {
            try read(["store.url": "sqlite:a.db", "queue.url": "sqlite:a.db", "inbox.url": "store"])
        }
    }

    @Test func `secrets are not printed`() throws {
        let key = Data(repeating: 7, count: 32).base64EncodedString()
        let configuration = try read(["admin.token": "operator-token", "secrets.key": key, "metrics.token": "scraper"])
        let dump = String(reflecting: configuration)
        #expect(configuration.adminToken?.exposed == "operator-token")
        #expect(configuration.secretsKey?.exposed == Array(repeating: 7, count: 32))
        for secret in ["operator-token", key, "scraper", "7, 7, 7"] { #expect(!dump.contains(secret)) }
    }

    @Test func `every setting has an option of the same name`() throws {
        for key in ConfigurationKey.all {
            let command = try ServeCommand.parse(["--\(key.optionName)", "x"])
            #expect(command.options.settings == [key.name: "x"])
        }
        #expect(throws: (any Error).self) { try ServeCommand.parse(["--nonsense", "1"]) }
    }
}

/// Files that are made to cost more than they weigh, or that say too much when they are refused.
@Suite(.timeLimit(.minutes(1))) struct HostileConfigurationTests {
    private func refusal(_ text: String) -> String {
        let error = #expect(throws: ConfigurationError.self) {
            try ConfigurationFile(path: "martlet.yaml", bytes: Array(text.utf8))
        }
        return error?.description ?? ""
    }

    @Test(arguments: [
        ("log.level: info\nbase: &b {port: 1}\nhttp:\n  <<: *b\n", 2), ("http.port: &p 80\n", 1),
        ("a: [x, &b y]\n", 1), ("? &n http.port\n: 1\n", 1), ("log:\n  level: &l info\n", 2),
    ])
    func `anchors and aliases are refused by their line`(_ text: String, _ line: Int) {
        let words = refusal(text)
        #expect(words.contains("anchor"), "\(words)")
        #expect(words.contains("line \(line)"), "\(words)")
    }

    @Test func `mappings that repeat each other a million million times are refused at once`() {
        let levels = (1...40).map { "a\($0): &a\($0) {p: *a\($0 - 1), q: *a\($0 - 1)}\n" }.joined()
        #expect(refusal("a0: &a0 {x: 1, y: 2}\n" + levels).contains("line"))
    }

    @Test func `nor can they be the name of a setting`() {
        let levels = (1...40).map { "a\($0): &a\($0) [*a\($0 - 1), *a\($0 - 1)]\n" }.joined()
        #expect(refusal("a0: &a0 [x, y]\n" + levels + "? *a40\n: 1\n").contains("line"))
    }

    @Test(arguments: ["a: " + String(repeating: "[", count: 5000), String(repeating: "- ", count: 5000) + "x"])
    func `nesting is bounded`(_ text: String) {
        #expect(refusal(text).contains("martlet.yaml"))
    }

    @Test func `a file without end is not read to its end`() {
        let error = #expect(throws: ConfigurationError.self) { try ConfigurationFile(path: "/dev/zero") }
        #expect(error?.description.contains("larger than") == true)
    }

    @Test(arguments: [
        "admin.token: s3cr3t-token: x\n", "admin.token: 's3cr3t-token\n", "admin.token: \"s3cr3t-token\\q\"\n",
        "admin.token: [s3cr3t-token\n", "admin.token: s3cr3t-token\n  port: 1\n\t- a\n",
        "admin.token: s3cr3t-token\u{07}\n", "admin.token: %s3cr3t-token\nhttp: *s\n",
    ])
    func `a mistake in the form does not show what is written beside it`(_ text: String) {
        let words = refusal(text)
        #expect(words.contains("not YAML"), "\(words)")
        #expect(!words.contains("s3cr3t"), "\(words)")
    }
}
