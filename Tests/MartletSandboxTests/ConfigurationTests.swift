import MartletSandbox
import Testing

@Suite struct ConfigurationTests {
    @Test(arguments: [
        ("50/1s", 50, Duration.seconds(1)), ("256/60s", 256, .seconds(60)), ("1/5s", 1, .seconds(5)),
        ("3/500ms", 3, .milliseconds(500)), ("10/m", 10, .seconds(60)), ("1000/2h", 1000, .seconds(7200)),
    ])
    func `reads limits`(text: String, count: Int, period: Duration) throws {
        #expect(try SandboxConfiguration.parseLimit(text) == SandboxLimit(count: count, per: period))
    }

    @Test(arguments: ["", "50", "50/", "/1s", "0/1s", "-1/1s", "50/0s", "50/1", "50/1d", "50/1s/1s", "a/1s", "5/25h"])
    func `refuses what is no limit, and says what is`(text: String) {
        let error = #expect(throws: SandboxConfigurationError.self) { try SandboxConfiguration.parseLimit(text) }
        #expect(error?.description.contains("50/1s") == true)
    }

    @Test func `writes limits as it reads them`() throws {
        for text in ["50/1s", "3/500ms", "256/60s"] {
            #expect(try SandboxConfiguration.parseLimit(text).description == text)
        }
    }

    @Test func `has WasenderApi's limits of a paid account`() {
        let configuration = SandboxConfiguration()
        #expect(configuration.limits == [SandboxLimit(count: 256, per: .seconds(60))])
        #expect(configuration.latency == .milliseconds(30))
        #expect(configuration.sessionDownStatus == 409)
    }
}
