import NIOCore

/// Writes JSON straight into a byte buffer.
///
/// The answers and webhooks of a send are written by hand with it: several thousand a second leave no room for an
/// encoder. The caller places braces, commas and member names itself, with ``literal(_:)``.
struct JSONWriter {
    /// What was written so far.
    private(set) var buffer: ByteBuffer

    /// - Parameter capacity: the bytes to reserve; the buffer grows when that was too few.
    init(capacity: Int = 256) {
        buffer = ByteBuffer()
        buffer.reserveCapacity(capacity)
    }

    /// Appends punctuation and member names as they stand.
    mutating func literal(_ text: StaticString) {
        buffer.writeStaticString(text)
    }

    /// Appends bytes that are JSON already.
    mutating func raw(_ bytes: some Sequence<UInt8>) {
        buffer.writeBytes(bytes)
    }

    /// Appends a whole number.
    mutating func integer(_ value: some FixedWidthInteger) {
        buffer.writeString(String(value))
    }

    /// Appends a Boolean.
    mutating func bool(_ value: Bool) {
        buffer.writeStaticString(value ? "true" : "false")
    }

    /// Appends a quoted and escaped string.
    mutating func string(_ text: String) {
        var text = text
        text.withUTF8 { bytes in
            buffer.writeInteger(UInt8(ascii: "\""))
            var start = 0
            for index in bytes.indices {
                let byte = bytes[index]
                guard byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") else { continue }
                buffer.writeBytes(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(bytes)[start..<index]))
                writeEscape(of: byte)
                start = index + 1
            }
            buffer.writeBytes(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(bytes)[start...]))
            buffer.writeInteger(UInt8(ascii: "\""))
        }
    }

    /// Appends a quoted string, or `null`.
    mutating func string(_ text: String?) {
        if let text { string(text) } else { literal("null") }
    }

    /// Appends any value, the members of objects in the order of their names.
    mutating func value(_ value: JSONValue) {
        switch value {
        case .null: literal("null")
        case .bool(let flag): bool(flag)
        case .integer(let number): integer(number)
        case .number(let number):
            // JSON has neither infinities nor NaN.
            buffer.writeString(number.isFinite ? "\(number)" : "null")
        case .string(let text): string(text)
        case .array(let elements):
            literal("[")
            for (index, element) in elements.enumerated() {
                if index > 0 { literal(",") }
                self.value(element)
            }
            literal("]")
        case .object(let members):
            literal("{")
            for (index, member) in members.sorted(by: { $0.key < $1.key }).enumerated() {
                if index > 0 { literal(",") }
                string(member.key)
                literal(":")
                self.value(member.value)
            }
            literal("}")
        }
    }

    private mutating func writeEscape(of byte: UInt8) {
        switch byte {
        case UInt8(ascii: "\""): buffer.writeStaticString("\\\"")
        case UInt8(ascii: "\\"): buffer.writeStaticString("\\\\")
        case 0x0A: buffer.writeStaticString("\\n")
        case 0x0D: buffer.writeStaticString("\\r")
        case 0x09: buffer.writeStaticString("\\t")
        default:
            let digits = String(byte, radix: 16)
            buffer.writeString("\\u" + String(repeating: "0", count: 4 - digits.count) + digits)
        }
    }
}

extension JSONValue {
    /// The value as JSON text in UTF-8.
    var encoded: ByteBuffer {
        var writer = JSONWriter()
        writer.value(self)
        return writer.buffer
    }
}
