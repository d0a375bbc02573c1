/// Writes small states as bytes: whole numbers and fractions in eight bytes each, least significant first.
struct StateWriter {
    private(set) var bytes: [UInt8] = []

    /// Adds what tells damaged bytes from whole ones.
    mutating func seal() { write(Int64(bitPattern: StateReader.checksum(bytes[...]))) }

    mutating func write(_ value: Int64) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }

    mutating func write(_ value: Int) { write(Int64(value)) }
    mutating func write(_ value: Bool) { write(value ? 1 : 0 as Int64) }
    mutating func write(_ value: Double) { write(Int64(bitPattern: value.bitPattern)) }
    mutating func write(_ value: MonotonicInstant) { write(value.nanoseconds) }
    mutating func write(_ value: Duration) {
        let (seconds, attoseconds) = value.components
        write(seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
    }

    mutating func write(_ text: String) {
        write(text.utf8.count)
        bytes.append(contentsOf: text.utf8)
    }
}

/// Reads what ``StateWriter`` wrote. Bytes that are not so, from another version or a damaged store, end the reading.
struct StateReader {
    struct Malformed: Error {}

    private var rest: ArraySlice<UInt8>

    init(_ bytes: [UInt8]) { rest = bytes[...] }

    /// Reads what was sealed.
    init(sealed bytes: [UInt8]) throws(Malformed) {
        rest = bytes.suffix(8)
        let checksum = try int64()
        rest = bytes.dropLast(8)
        guard checksum == Int64(bitPattern: Self.checksum(rest)) else { throw Malformed() }
    }

    /// FNV-1a over 64 bits (RFC 9923).
    fileprivate static func checksum(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        bytes.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01B3 }
    }

    var isAtEnd: Bool { rest.isEmpty }

    mutating func int64() throws(Malformed) -> Int64 {
        guard rest.count >= 8 else { throw Malformed() }
        var value: UInt64 = 0
        for (index, byte) in rest.prefix(8).enumerated() { value |= UInt64(byte) << (8 * UInt64(index)) }
        rest = rest.dropFirst(8)
        return Int64(bitPattern: value)
    }

    /// A number of things that follow, each of at least that many bytes: never more than there can be.
    mutating func count(ofBytes size: Int) throws(Malformed) -> Int {
        let value = try int64()
        guard value >= 0, value <= Int64(rest.count / size) else { throw Malformed() }
        return Int(value)
    }

    /// How many there are of something: not below zero, and far from where sums overflow.
    mutating func amount() throws(Malformed) -> Int {
        let value = try int64()
        guard (0...1_000_000_000_000).contains(value) else { throw Malformed() }
        return Int(value)
    }

    mutating func bool() throws(Malformed) -> Bool { try int64() != 0 }

    mutating func double() throws(Malformed) -> Double {
        let value = Double(bitPattern: UInt64(bitPattern: try int64()))
        guard value.isFinite, abs(value) < 1e15 else { throw Malformed() }
        return value
    }

    /// Within a century or so of the register's beginning of time.
    private mutating func nanoseconds() throws(Malformed) -> Int64 {
        let value = try int64()
        guard value.magnitude < 1 << 62 else { throw Malformed() }
        return value
    }

    mutating func instant() throws(Malformed) -> MonotonicInstant { MonotonicInstant(nanoseconds: try nanoseconds()) }
    mutating func duration() throws(Malformed) -> Duration { .nanoseconds(try nanoseconds()) }

    mutating func text() throws(Malformed) -> String {
        let length = try count(ofBytes: 1)
        defer { rest = rest.dropFirst(length) }
        return String(decoding: rest.prefix(length), as: UTF8.self)
    }
}
