import Foundation
import Martlet
import Testing

@Suite struct TimestampTests {
    static let written: [(Int64, String)] = [
        (0, "1970-01-01T00:00:00.000Z"),
        (1, "1970-01-01T00:00:00.000Z"),
        (999, "1970-01-01T00:00:00.000Z"),
        (1000, "1970-01-01T00:00:00.001Z"),
        (-1, "1969-12-31T23:59:59.999Z"),
        (-1_000_000, "1969-12-31T23:59:59.000Z"),
        (951_782_400_000_000, "2000-02-29T00:00:00.000Z"),
        (1_767_323_045_678_901, "2026-01-02T03:04:05.678Z"),
        (4_102_444_799_999_999, "2099-12-31T23:59:59.999Z"),
        (-62_135_596_800_000_000, "0001-01-01T00:00:00.000Z"),
        (253_402_300_799_999_999, "9999-12-31T23:59:59.999Z"),
    ]

    @Test(arguments: written) func `is written in UTC with milliseconds`(_ microseconds: Int64, _ text: String) {
        #expect(Timestamp(microseconds: microseconds).description == text)
    }

    static let read: [(String, Int64)] = [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01t00:00:00z", 0),
        ("2026-01-02T03:04:05Z", 1_767_323_045_000_000),
        ("2026-01-02T03:04:05.6Z", 1_767_323_045_600_000),
        ("2026-01-02T03:04:05.678901Z", 1_767_323_045_678_901),
        ("2026-01-02T03:04:05.6789019999Z", 1_767_323_045_678_901),
        ("2026-01-02T04:34:05+01:30", 1_767_323_045_000_000),
        ("2026-01-01T22:04:05-05:00", 1_767_323_045_000_000),
        ("2026-01-02T03:04:05.5-00:00", 1_767_323_045_500_000),
        ("2024-02-29T12:00:00Z", 1_709_208_000_000_000),
        ("2000-02-29T00:00:00Z", 951_782_400_000_000),
        ("2016-12-31T23:59:60Z", 1_483_228_800_000_000),
        ("1969-12-31T23:59:59.999Z", -1000),
    ]

    @Test(arguments: read) func `is read with any offset and fraction`(_ text: String, _ microseconds: Int64) {
        #expect(Timestamp(rfc3339: text)?.microseconds == microseconds)
    }

    @Test(arguments: [
        "", "2026-01-02", "2026-01-02T03:04:05", "2026-01-02 03:04:05Z", "2026-01-02T03:04Z", "26-01-02T03:04:05Z",
        "2026-13-02T03:04:05Z", "2026-00-02T03:04:05Z", "2026-02-30T03:04:05Z", "2025-02-29T03:04:05Z",
        "1900-02-29T00:00:00Z",
        "2026-04-31T00:00:00Z", "2026-01-00T00:00:00Z", "2026-01-32T00:00:00Z", "2026-01-02T24:00:00Z",
        "2026-01-02T03:60:05Z",
        "2026-01-02T03:04:61Z", "2026-01-02T03:04:05.Z", "2026-01-02T03:04:05,5Z", "2026-01-02T03:04:05+1:00",
        "2026-01-02T03:04:05+0100", "2026-01-02T03:04:05+24:00", "2026-01-02T03:04:05+01:60", "2026-01-02T03:04:05ZZ",
        "2026-01-02T03:04:05Z ", " 2026-01-02T03:04:05Z", "+026-01-02T03:04:05Z", "2026-01-02T03:04:-5Z",
        "2026-01-02T03:04:05.12345678901234567890123Z", "２026-01-02T03:04:05Z", "2026-01-02T03:04:05.5",
        // In UTC these lie in years that RFC 3339 cannot write.
        "0000-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01", "9999-12-31T23:59:60Z",
    ])
    func `is not read from anything else`(_ text: String) {
        #expect(Timestamp(rfc3339: text) == nil)
    }

    @Test func `reads what it writes, and agrees with Foundation`() {
        let random = SeededRandomSource(seed: 11)
        let style = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
        for _ in 0..<5000 {
            // From the year 1 to 9999.
            let milliseconds = -62_135_596_800_000 + Int64(random.next() % 315_537_897_600_000)
            let timestamp = Timestamp(milliseconds: milliseconds)
            #expect(Timestamp(rfc3339: timestamp.description) == timestamp)
            guard milliseconds > -12_000_000_000_000 else { continue }
            // Whole seconds, so that rounding is no matter.
            let second = Timestamp(seconds: Timestamp(milliseconds: milliseconds).milliseconds / 1000)
            let date = Date(timeIntervalSince1970: Double(second.microseconds / 1_000_000))
            #expect(second.description == style.format(date))
        }
    }

    @Test func `years beyond four digits do not break the form`() {
        #expect(Timestamp(microseconds: .max).description.utf8.count == 24)
        #expect(Timestamp(microseconds: .min + 1).description.utf8.count == 24)
    }

    @Test func `counts`() {
        let timestamp = Timestamp(seconds: 10)
        #expect(timestamp + .milliseconds(1500) == Timestamp(milliseconds: 11_500))
        #expect(timestamp - .seconds(11) == Timestamp(seconds: -1))
        #expect(Timestamp(seconds: 3) - timestamp == .seconds(-7))
        #expect(timestamp < Timestamp(microseconds: 10_000_001))
        #expect(Timestamp(microseconds: -1).milliseconds == -1)
        #expect(Timestamp(microseconds: -1000).milliseconds == -1)
        #expect(Timestamp(microseconds: 1999).milliseconds == 1)
    }

    @Test func `durations count in whole parts towards zero`() {
        #expect(Duration.nanoseconds(1999).microseconds == 1)
        #expect(Duration.nanoseconds(-1999).microseconds == -1)
        #expect(Duration.milliseconds(1234).milliseconds == 1234)
        #expect(Duration.milliseconds(-1500).seconds == -1.5)
        #expect(Duration.seconds(86400 * 365).microseconds == 31_536_000_000_000)
    }

    @Test func `monotonic instants count`() {
        let instant = MonotonicInstant(nanoseconds: 5)
        #expect(instant + .seconds(2) == MonotonicInstant(nanoseconds: 2_000_000_005))
        #expect(instant + .nanoseconds(-7) == MonotonicInstant(nanoseconds: -2))
        #expect(MonotonicInstant(nanoseconds: 9) - instant == .nanoseconds(4))
        #expect(instant < MonotonicInstant(nanoseconds: 6))
    }

    @Test func `a seeded source repeats itself, and its fractions stay below one`() {
        let (first, second, other) = (
            SeededRandomSource(seed: 1), SeededRandomSource(seed: 1), SeededRandomSource(seed: 2)
        )
        let values = (0..<100).map { _ in first.next() }
        #expect(values == (0..<100).map { _ in second.next() })
        #expect(values != (0..<100).map { _ in other.next() })
        #expect(Set(values).count == 100)
        #expect((0..<1000).allSatisfy { _ in (0..<1).contains(first.unitInterval()) })
    }
}
