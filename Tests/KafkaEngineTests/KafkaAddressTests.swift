#if Kafka
    import KafkaEngine
    import Martlet
    import Testing

    @Suite struct KafkaAddressTests {
        @Test func `a URL names brokers and a topic`() throws {
            let address = try KafkaAddress(url: "kafka://one.example:9092,10.0.0.2:9093,[::1]:9094/web-hooks.v1")
            #expect(address.brokers == ["one.example:9092", "10.0.0.2:9093", "[::1]:9094"])
            #expect(address.topic == "web-hooks.v1")
            #expect(address.credentials == nil)
            #expect(!address.usesTLS)
            #expect(address.group == nil)
        }

        @Test(arguments: ["kafka://one:9092", "kafka://one:9092/"])
        func `without a topic it is the default one`(_ url: String) throws {
            #expect(try KafkaAddress(url: url).topic == "martlet-inbox")
        }

        @Test(arguments: KafkaAddress.Mechanism.allCases)
        func `a URL may say who the client is`(_ mechanism: KafkaAddress.Mechanism) throws {
            let address = try KafkaAddress(
                url: "kafka://us%40er:p%3A%2Fa:s%20s@one:9092/t?sasl=\(mechanism.rawValue)&tls=true&group=other")
            let credentials = try #require(address.credentials)
            #expect(credentials.mechanism == mechanism)
            #expect(credentials.user == "us@er")
            #expect(credentials.password.exposed == "p:/a:s s")
            #expect(address.usesTLS)
            #expect(address.group == "other")
        }

        @Test func `neither the user nor the password is shown`() throws {
            let address = try KafkaAddress(url: "kafka://alice:hunter2@one:9092/t?sasl=plain")
            #expect("\(address)" == "kafka://one:9092/t")
            #expect(!String(reflecting: address).contains("hunter2"))
            var text = ""
            dump(address, to: &text)
            #expect(!text.contains("hunter2"))
        }

        @Test(arguments: [
            "", "kafka://", "kafka:///t", "http://one:9092", "kafka://one", "kafka://one:", "kafka://one:0",
            "kafka://one:65536", "kafka://one:9092,", "kafka://one:9092,,two:9092", "kafka://o ne:9092",
            "kafka://one\n:9092", "kafka://:9092", "kafka://one:9092/a/b", "kafka://one:9092/..",
            "kafka://one:9092/t\u{e9}",
            "kafka://one:9092/\(String(repeating: "t", count: 250))", "kafka://[one]:9092", "kafka://::1:9092",
            "kafka://one:9092?", "kafka://one:9092?tls=yes", "kafka://one:9092?tls=true&tls=true",
            "kafka://one:9092?acks=0", "kafka://one:9092?group=", "kafka://secret:secret@one:9092",
            "kafka://one:9092?sasl=plain", "kafka://secret@one:9092?sasl=plain", "kafka://secret:@one:9092?sasl=plain",
            "kafka://secret:s%@one:9092?sasl=plain", "kafka://secret:s%00@one:9092?sasl=plain",
            "kafka://secret:s%+1@one:9092?sasl=plain", "kafka://secret:s%FF@one:9092?sasl=plain",
            "kafka://secret:secret@one:9092?sasl=gssapi",
            "kafka://\((1...65).map { "h\($0):1" }.joined(separator: ","))",
            "kafka://one:9092/\(String(repeating: "t", count: 5000))",
        ])
        func `what is no such URL is refused, and not repeated`(_ url: String) {
            let error = #expect(throws: StoreError.self) { try KafkaAddress(url: url) }
            #expect(error?.code == .unusable)
            #expect(error?.remedy != nil)
            #expect(error?.message.contains("secret") == false)
        }
    }
#endif
