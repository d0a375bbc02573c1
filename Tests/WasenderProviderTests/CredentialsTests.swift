import Martlet
import Testing
import WasenderProvider

@Suite struct CredentialsTests {
    static let accepted: [JSONObject] = [
        ["api_key": "0123456789abcdef"],
        ["api_key": "k"],
        ["api_key": "key+/=._-~", "personal_access_token": "12|abc"],
        ["api_key": "k", "session_id": 7],
        ["api_key": "k", "session_id": "my-session_1"],
        Fixture.everything,
    ]

    @Test(arguments: accepted) func `takes what WasenderApi issues`(_ credentials: JSONObject) async throws {
        try await Fixture.withProvider { #expect($0.validate(credentials: credentials) == []) }
    }

    static let refused: [(JSONObject, String)] = [
        ([:], "/api_key"),
        (["api_key": ""], "/api_key"),
        (["api_key": nil], "/api_key"),
        (["api_key": 12], "/api_key"),
        (["api_key": "a b"], "/api_key"),
        (["api_key": "a\r\nX-Injected: 1"], "/api_key"),
        (["api_key": "a\u{0}"], "/api_key"),
        (["api_key": "kéy"], "/api_key"),
        (["api_key": "a\"b"], "/api_key"),
        (["api_key": .string(String(repeating: "k", count: 513))], "/api_key"),
        (["api_key": "k", "personal_access_token": ""], "/personal_access_token"),
        (["api_key": "k", "personal_access_token": "a\nb"], "/personal_access_token"),
        (["api_key": "k", "personal_access_token": ["a"]], "/personal_access_token"),
        (["api_key": "k", "session_id": ""], "/session_id"),
        (["api_key": "k", "session_id": -1], "/session_id"),
        (["api_key": "k", "session_id": 1.5], "/session_id"),
        (["api_key": "k", "session_id": "../user"], "/session_id"),
        (["api_key": "k", "session_id": "a/b"], "/session_id"),
        (["api_key": "k", "session_id": true], "/session_id"),
        (["api_key": "k", "apikey": "k"], "/apikey"),
        (["api_key": "k", "a/b": "k"], "/a~1b"),
    ]

    @Test(arguments: refused) func `names the member that is wrong`(_ credentials: JSONObject, _ pointer: String)
        async throws
    {
        try await Fixture.withProvider { #expect($0.validate(credentials: credentials).map(\.pointer) == [pointer]) }
    }

    @Test func `never repeats a credential in an error`() async throws {
        try await Fixture.withProvider { provider in
            let problems = provider.validate(credentials: [
                "api_key": "very secret thing", "session_id": "x y z secret",
            ])
            #expect(problems.count == 2)
            #expect(!problems.contains { $0.message.contains("secret") })
        }
    }

    @Test func `declares what the pipeline needs to know`() async throws {
        try await Fixture.withProvider { provider in
            #expect(provider.name == "wasender")
            #expect(provider.traits.defaultBaseURL == "https://www.wasenderapi.com/api")
            #expect(provider.traits.defaultLimits == [RateLimit(count: 256, perSeconds: 60)])
            #expect(provider.traits.concurrency == 5)
            #expect(provider.traits.needsIdentityLookUp)
            #expect(provider.traits.canLookUpAcknowledgement)
            #expect(provider.traits.hasSessions)
            #expect(provider.verification(query: ["hub.mode": "subscribe"], channel: Fixture.channel()) == nil)
        }
    }
}
