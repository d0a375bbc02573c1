import Martlet
import Testing

@Suite struct WebAddressTests {
    @Test(arguments: [
        "https://example.com", "http://example.com/a/b.jpg?c=d&e=f#g", "HTTPS://EXAMPLE.COM:8443/",
        "http://127.0.0.1:9/api",
        "http://[::1]:8080/x", "http://[::ffff:1.2.3.4]", "https://user:pass@example.com/x",
        "https://a_b.example/%20%C3%a9",
        "https://example.com?q", "https://example.com#f", "http://x:65535", "https://example.com/a;b=(c),*'!$~",
    ])
    func `an address is taken as it is`(_ text: String) throws {
        #expect(try #require(WebAddress(text)).text == text)
    }

    @Test(arguments: [
        "", "https://", "https:///x", "https://?x", "https://#x", "http:/x.example", "ftp://x.example", "//x.example",
        "https://x.example/a b", "https://x.example/\u{7}", "https://x.example/é", "https://é.example",
        "https://x\u{301}/",
        "https://\u{100D2F}", "https://x.example/%", "https://x.example/%4", "https://x.example/%zz",
        "https://x.example/%4%41",
        "https://x.example/\"", "https://x.example/<b>", "https://x.example/\\", "https://x.example/{a}",
        "https://x.example/^",
        "https://x.example:", "https://x.example:0", "https://x.example:65536", "https://x.example:8a",
        "https://x.example:999999",
        "https://x:1:2", "https://@", "https://a@", "https://a@b@c", "https://[::1", "https://::1", "https://[]",
        "https://[g::1]",
        "https://[::1]x", "https://x.example/[", "https://x%2e.example", "https://\u{212A}.example", "https://x,y",
        "https:// x.example", " https://x.example", "https://x.example\n", "https://x.example/\u{0}",
    ])
    func `anything else is refused`(_ text: String) { #expect(WebAddress(text) == nil) }

    @Test func `length is bounded`() {
        let start = "https://example.com/"
        #expect(WebAddress(start + String(repeating: "a", count: 2048 - start.utf8.count)) != nil)
        #expect(WebAddress(start + String(repeating: "a", count: 2049 - start.utf8.count)) == nil)
    }

    @Test func `it tells what a base address must not have`() throws {
        let plain = try #require(WebAddress("https://example.com:1/a@b"))
        #expect(!plain.hasUser && !plain.hasQueryOrFragment)
        #expect(try #require(WebAddress("https://u@example.com")).hasUser)
        #expect(try #require(WebAddress("https://example.com?")).hasQueryOrFragment)
        #expect(try #require(WebAddress("https://example.com/#")).hasQueryOrFragment)
    }
}
