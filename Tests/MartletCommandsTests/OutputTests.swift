import Logging
import Martlet
import MartletClient
import Synchronization
import Testing

@testable import MartletCommands

@Suite struct OutputTests {
    @Test func `a table is aligned, without spaces at the end`() {
        var table = TextTable("ID", "NAME", "WHY")
        table.add("msg_1", "a", nil)
        table.add("m", "longer", "")
        #expect(table.text == "ID     NAME    WHY\nmsg_1  a       -\nm      longer  -\n")
    }

    @Test func `what a stranger wrote cannot steer the terminal`() {
        var table = TextTable("A")
        table.add("red\u{1B}[31m\nnext\u{85}\u{2028}")
        #expect(table.text == "A\nred [31m next\n")
        #expect(Describe.fields([("name", "a\u{7}b"), ("none", nil), ("empty", "")]) == "name  a b\n")
    }

    // MARK: Histogram

    @Test func `percentiles are exact`() {
        var histogram = Histogram()
        for milliseconds in (1...100).reversed() { histogram.record(.milliseconds(milliseconds)) }
        #expect(histogram.percentile(0.5) == .milliseconds(50))
        #expect(histogram.percentile(0.99) == .milliseconds(99))
        #expect(histogram.percentile(1) == .milliseconds(100))
        #expect(histogram.percentile(0) == .milliseconds(1))
        var other = Histogram()
        other.record(.seconds(1))
        histogram.merge(other)
        #expect(histogram.percentile(1) == .seconds(1))
        #expect(histogram.count == 101)
        var empty = Histogram()
        #expect(empty.percentile(0.5) == .zero)
        #expect(empty.summary() == "no samples")
    }

    @Test func `durations no histogram can hold are kept within it`() {
        var histogram = Histogram()
        histogram.record(.seconds(-1))
        histogram.record(.seconds(1_000_000))
        #expect(histogram.percentile(0) == .zero)
        #expect(histogram.percentile(1) == .microseconds(Int64(UInt32.max)))
    }

    @Test(arguments: [
        (Duration.microseconds(340), "340 µs"), (.microseconds(1234), "1.2 ms"), (.microseconds(9960), "10 ms"),
        (.milliseconds(42), "42 ms"), (.milliseconds(3400), "3.4 s"), (.seconds(75), "75 s"), (.zero, "0 µs"),
    ])
    func `a duration is written as a person would`(_ duration: Duration, _ text: String) {
        #expect(Histogram.readable(duration) == text)
    }

    // MARK: Log lines

    private func line(_ format: LogFormat, _ log: (Logger) -> Void) -> String {
        let lines = Mutex("")
        let logger = Logger(label: "martlet") { label in
            LineLogHandler(
                label: label, format: format, level: .info,
                write: { text in lines.withLock { $0 += text } }, now: { Timestamp(seconds: 0) })
        }
        log(logger)
        return lines.withLock(\.self)
    }

    @Test func `a text line can be read and taken apart`() {
        let text = line(.text) { logger in
            logger.debug("not shown")
            logger.warning("disk\nfull", metadata: ["path": "/var lib", "free": "0", "quote": "a\"b"])
        }
        #expect(
            text
                == "1970-01-01T00:00:00.000Z warning martlet: disk full free=0 path=\"/var lib\" quote=\"a\\\"b\"\n")
    }

    @Test func `a JSON line is one object`() throws {
        let text = line(.json) { logger in
            logger.info("hello", metadata: ["level": "mine", "list": ["a", "b"], "inner": ["x": "y"]])
        }
        #expect(text.hasSuffix("\n"))
        let object = try #require(try JSONParser.value(text).objectValue)
        #expect(object["time"] == "1970-01-01T00:00:00.000Z")
        #expect(object["level"] == "info")
        #expect(object["metadata.level"] == "mine")
        #expect(object["message"] == "hello")
        #expect(object["list"] == ["a", "b"])
        #expect(object["inner"] == ["x": "y"])
    }
}
