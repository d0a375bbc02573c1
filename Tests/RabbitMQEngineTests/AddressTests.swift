#if RabbitMQ
    import Martlet
    import Testing

    @testable import RabbitMQEngine

    @Suite struct AddressTests {
        @Test func `every part is read, and decoded`() throws {
            let address = try RabbitMQAddress(
                url: "amqp://mart%3Alet:p%40ss%2Fw%C3%B6rd@rabbit.example.com:5673/%2Fmain")
            #expect(address.user == "mart:let")
            #expect(address.password.exposed == "p@ss/wörd")
            #expect(address.host == "rabbit.example.com")
            #expect(address.port == 5673)
            #expect(address.virtualHost == "/main")
            #expect(!address.isEncrypted)
            #expect(address.certificateAuthorities == nil)
        }

        @Test func `what is left out is as RabbitMQ has it`() throws {
            let address = try RabbitMQAddress(url: "amqp://localhost")
            #expect(address.user == "guest")
            #expect(address.password.exposed == "guest")
            #expect(address.port == 5672)
            #expect(address.virtualHost == "/")
            #expect(try RabbitMQAddress(url: "amqps://a:b@localhost/").port == 5671)
            #expect(try RabbitMQAddress(url: "amqps://a:b@localhost/").virtualHost == "/")
            #expect(try RabbitMQAddress(url: "amqp://a:b@localhost/%2f").virtualHost == "/")
        }

        @Test func `TLS may have authorities of its own`() throws {
            let address = try RabbitMQAddress(url: "AMQPS://a:b@[2001:db8::1]:5671/v?cacert=/etc/my%20ca.pem")
            #expect(address.isEncrypted)
            #expect(address.host == "2001:db8::1")
            #expect(address.virtualHost == "v")
            #expect(address.certificateAuthorities == "/etc/my ca.pem")
        }

        /// A URL with the password `s3cret` somewhere, and what is said of it.
        private static let wrong: [(url: String, says: String)] = [
            ("", "does not begin with amqp:// or amqps://"),
            ("http://u:s3cret@host", "does not begin with amqp:// or amqps://"),
            ("u:s3cret@host", "does not begin with amqp:// or amqps://"),
            ("amqp://", "has no host"),
            ("amqp://u:s3cret@", "has no host"),
            ("amqp://u:s3cret@:5672", "has no host"),
            ("amqp://u:s3cret", "has a port that is no number"),
            ("amqp://u:s3cret/x@host", "has a port that is no number"),
            ("amqp://u:s3cret@host:", "has a port that is no number"),
            ("amqp://u:s3cret@host:0", "has a port that is no number"),
            ("amqp://u:s3cret@host:65536", "has a port that is no number"),
            ("amqp://u:s3cret@host:+1", "has a port that is no number"),
            ("amqp://s3cret@host", "has no USER:PASSWORD"),
            ("amqp://:s3cret@host", "has no user"),
            ("amqp://u:x:s3cret@host", "has no USER:PASSWORD"),
            ("amqp://u:x@s3cret@host", "has an @ in the user or password"),
            ("amqp://u:x#s3cret@host", "has a # in it"),
            ("amqp://u:x%s3cret@host", "has a % without two hexadecimal digits"),
            ("amqp://u:s3cret%0@host", "has a % without two hexadecimal digits"),
            ("amqp://u:s3cret%00@host", "has control characters"),
            ("amqp://u:s3cret%FF@host", "has control characters or bytes that are not UTF-8"),
            ("amqp://u:s3cret@host/a/b", "has a / in the virtual host"),
            ("amqp://u:x@host/v?s3cret", "has a parameter that is not cacert=PATH"),
            ("amqps://u:s3cret@host/v?verify=none", "has a parameter that is not cacert=PATH"),
            ("amqp://u:s3cret@host/v?cacert=/ca.pem", "has a cacert, but no amqps://"),
            ("amqp://u:s3cret@[::1", "has no ] after its IPv6 address"),
            ("amqp://u:s3cret@[::1]5672", "has no port after its IPv6 address"),
            ("amqp://u:s3cret@host/\(String(repeating: "v", count: 2048))", "is longer than 2048 bytes"),
        ]

        @Test(arguments: wrong)
        func `what is wrong is named, and the password kept`(_ url: String, _ says: String) throws {
            let error = try #require(throws: StoreError.self) { try RabbitMQAddress(url: url) }
            #expect(error.code == .unusable)
            #expect(error.message.hasPrefix("queue.url \(says)"))
            let shown = "\(error) \(error.remedy ?? "")"
            #expect(!shown.contains("s3cret"))
            #expect(error.remedy?.contains("amqp://USER:PASSWORD@HOST:PORT/VHOST") == true)
        }

        @Test func `the password is in no description`() throws {
            let address = try RabbitMQAddress(url: "amqp://u:s3cret@host")
            #expect(!"\(address) \(String(reflecting: address))".contains("s3cret"))
        }
    }
#endif
