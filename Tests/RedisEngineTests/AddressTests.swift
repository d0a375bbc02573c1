#if Redis
    import Martlet
    import RedisEngine
    import Testing

    @Suite struct AddressTests {
        @Test func `reads what a URL says`() throws {
            let plain = try RedisAddress(url: "redis://cache.example.com")
            #expect(plain.host == "cache.example.com")
            #expect(plain.port == 6379)
            #expect(plain.user == nil)
            #expect(plain.password == nil)
            #expect(plain.database == 0)

            let whole = try RedisAddress(url: "REDIS://martlet:p%40ss%2Fw%3Ard%25@10.0.0.7:6400/15")
            #expect(whole.host == "10.0.0.7")
            #expect(whole.port == 6400)
            #expect(whole.user == "martlet")
            #expect(whole.password?.exposed == "p@ss/w:rd%")
            #expect(whole.database == 15)

            let passwordAlone = try RedisAddress(url: "redis://:a:b@[::1]:6400/")
            #expect(passwordAlone.host == "::1")
            #expect(passwordAlone.user == nil)
            #expect(passwordAlone.password?.exposed == "a:b")
            #expect(passwordAlone.database == 0)
        }

        @Test(arguments: [
            ("", "does not begin"), ("redis:", "does not begin"), ("http://host", "does not begin"),
            ("redis://", "names no host"), ("redis://:6379", "names no host"), ("redis://:pw@", "names no host"),
            ("redis://host:", "port"), ("redis://host:0", "port"), ("redis://host:65536", "port"),
            ("redis://host:6379x", "port"), ("redis://host:1:2", "port"), ("redis://host:+1", "port"),
            ("redis://host/x", "database"), ("redis://host/-1", "database"), ("redis://host/0/1", "database"),
            ("redis://host/99999", "database"), ("redis://host?db=1", "takes no options"),
            ("redis://host#x", "takes no options"), ("redis://ho st", "percent-encoded"),
            ("redis://h\u{f6}st", "percent-encoded"), ("redis://host\n", "percent-encoded"),
            ("redis://ho[st", "no host's name"), ("redis://[::1", "without a ']'"), ("redis://[::1]x", "after ']'"),
            ("redis://[host]", "IPv6"), ("redis://sesame@host", "without a password"),
            ("redis://user:@host", "empty password"), ("redis://:se%zzsame@host", "percent sign"),
            ("redis://:ses/ame@host", "percent-encoded"), ("redis://:ses@me@host", "percent-encoded"),
            ("redis://:sesame@host:port", "port"), ("redis://:sesame@ho%73t", "no host's name"),
            ("redis://:sesame@host/1?x", "takes no options"),
        ])
        func `says what is wrong, and never the password`(_ url: String, _ part: String) throws {
            let error = #expect(throws: StoreError.self) { try RedisAddress(url: url) }
            #expect(error?.code == .unusable)
            #expect(error?.message.contains(part) == true, "\(error?.message ?? "")")
            #expect(error?.message.contains("same") == false)
            #expect(error?.remedy?.contains("same") == false)
        }

        @Test func `refuses TLS with a way out, and a URL without end`() throws {
            let tls = #expect(throws: StoreError.self) { try RedisAddress(url: "rediss://:sesame@host:6380") }
            #expect(tls?.message.contains("TLS") == true)
            #expect(tls?.remedy?.contains("tunnel") == true)
            let long = #expect(throws: StoreError.self) {
                try RedisAddress(url: "redis://" + String(repeating: "h", count: 5000))
            }
            #expect(long?.message.contains("longer") == true)
        }

        @Test func `a password is not printed`() throws {
            let address = try RedisAddress(url: "redis://:sesame@host")
            #expect(!"\(address)".contains("sesame"))
            #expect(!String(reflecting: address).contains("sesame"))
        }
    }
#endif
