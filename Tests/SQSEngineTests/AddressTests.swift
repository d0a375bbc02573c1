#if SQS
    import Martlet
    import Testing

    @testable import SQSEngine

    @Suite struct AddressTests {
        @Test func `reads AWS's host`() throws {
            let address = try SQSAddress(url: "sqs://sqs.eu-central-1.amazonaws.com/martlet?region=eu-central-1")
            #expect(address.endpoint == "https://sqs.eu-central-1.amazonaws.com/")
            #expect(address.authority == "sqs.eu-central-1.amazonaws.com")
            #expect(address.region == "eu-central-1")
            #expect(
                JobQueue.allCases.map { $0.name(in: address) }
                    == ["martlet-high", "martlet-normal", "martlet-low", "martlet-dead-letters"])
        }

        @Test func `reads a compatible service's host, port and lack of TLS`() throws {
            let address = try SQSAddress(url: "sqs://127.0.0.1:5566/a_B-1?tls=false&region=us-east-1")
            #expect(address.endpoint == "http://127.0.0.1:5566/")
            #expect(try SQSAddress(url: "sqs://[::1]:80/q?region=r&tls=false").endpoint == "http://[::1]/")
            #expect(try SQSAddress(url: "sqs://[::1]/q?region=r&tls=true").endpoint == "https://[::1]/")
            #expect(try SQSAddress(url: "sqs://h:80/q?region=r").endpoint == "https://h:80/")
        }

        @Test(arguments: [
            ("http://host/q?region=r", "sqs://"), ("", "sqs://"), ("sqs:///q?region=r", "host"),
            ("sqs://a b/q?region=r", "host"), ("sqs://h:0/q?region=r", "host"), ("sqs://h:99999/q?region=r", "host"),
            ("sqs://h?region=r", "queue"), ("sqs://h/?region=r", "queue"), ("sqs://h/a/b?region=r", "queue"),
            ("sqs://h/q.fifo?region=r", "queue"), ("sqs://h/q%20?region=r", "queue"),
            ("sqs://h/\(String(repeating: "q", count: 68))?region=r", "queue"), ("sqs://h/q", "region"),
            ("sqs://h/q?region=", "region"), ("sqs://h/q?region=a/b", "region"),
            ("sqs://h/q?region=a&region=b", "region twice"), ("sqs://h/q?region=r&tls=no", "tls"),
            ("sqs://h/q?region=r&tls=true&tls=true", "twice"), ("sqs://h/q?region=r&key=x", "parameter"),
            ("sqs://h/q?region=r#x", "fragment"), ("sqs://h/\(String(repeating: "q", count: 3000))", "longer"),
            ("sqs://AKID:hunter2@h/q?region=r", "user"),
        ])
        func `says what is wrong with a URL, and repeats nothing secret of it`(_ url: String, _ word: String) {
            let error = #expect(throws: StoreError.self) { try SQSAddress(url: url) }
            #expect(error?.code == .unusable)
            #expect(error?.message.contains(word) == true)
            #expect(error?.message.contains("hunter2") == false)
            #expect(error?.remedy != nil)
        }

        @Test func `takes the keys from the usual variables`() throws {
            let credentials = try SQSCredentials(environment: [
                "AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "hunter2", "AWS_SESSION_TOKEN": "token",
            ])
            #expect(credentials.accessKeyID == "AKID")
            #expect(credentials.secretAccessKey.exposed == "hunter2")
            #expect(credentials.sessionToken?.exposed == "token")
            #expect(!"\(credentials)".contains("hunter2") && !"\(credentials)".contains("token\""))
        }

        @Test(arguments: ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"])
        func `names the variable that is missing, and the one that is no key`(_ name: String) {
            var environment = ["AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "hunter2"]
            for value in [nil, "", "two\r\nlines", String(repeating: "k", count: 513)] {
                environment[name] = value
                let error = #expect(throws: StoreError.self) { try SQSCredentials(environment: environment) }
                #expect(error?.code == .unusable)
                #expect(error?.message.contains(name) == true)
                #expect(error?.remedy?.contains(name) == true)
            }
        }
    }
#endif
