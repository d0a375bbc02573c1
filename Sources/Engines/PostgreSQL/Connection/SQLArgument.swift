#if PostgreSQL
    import Martlet

    /// What a statement can be given: its binary form, as the server's own types have it
    /// (https://www.postgresql.org/docs/current/protocol-overview.html#PROTOCOL-FORMAT-CODES). The statement tells the type,
    /// by the column or by a cast; every whole number of the schema is a `bigint`, so that one form fits all.
    protocol SQLArgument: Sendable {
        func encode(into bytes: inout [UInt8])
    }

    /// What an array can hold.
    protocol SQLElement: SQLArgument {
        /// The number of the type in the server's catalogue (`pg_type.oid`), which never changes for the built-in ones.
        static var elementType: UInt32 { get }
    }

    extension String: SQLElement {
        static var elementType: UInt32 { 25 }

        /// PostgreSQL has no NUL in its texts; a provider's words may hold one.
        func encode(into bytes: inout [UInt8]) {
            let start = bytes.count
            bytes.append(contentsOf: utf8)
            for index in start..<bytes.count where bytes[index] == 0 { bytes[index] = UInt8(ascii: " ") }
        }
    }

    extension Int64: SQLElement {
        static var elementType: UInt32 { 20 }
        func encode(into bytes: inout [UInt8]) { bytes.append(bigEndian: self) }
    }

    extension Int: SQLElement {
        static var elementType: UInt32 { 20 }
        func encode(into bytes: inout [UInt8]) { bytes.append(bigEndian: Int64(self)) }
    }

    extension Bool: SQLElement {
        static var elementType: UInt32 { 16 }
        func encode(into bytes: inout [UInt8]) { bytes.append(self ? 1 : 0) }
    }

    extension Double: SQLArgument {
        func encode(into bytes: inout [UInt8]) { bytes.append(bigEndian: bitPattern) }
    }

    extension Timestamp: SQLElement {
        static var elementType: UInt32 { 20 }
        func encode(into bytes: inout [UInt8]) { bytes.append(bigEndian: microseconds) }
    }

    extension Identifier: SQLElement {
        static var elementType: UInt32 { 25 }
        func encode(into bytes: inout [UInt8]) { text.encode(into: &bytes) }
    }

    extension PhoneNumber: SQLElement {
        static var elementType: UInt32 { 25 }
        func encode(into bytes: inout [UInt8]) { text.encode(into: &bytes) }
    }

    /// Bytes, for a `bytea`.
    struct Blob: SQLElement {
        static var elementType: UInt32 { 17 }
        let bytes: [UInt8]

        init(_ bytes: [UInt8]) { self.bytes = bytes }

        func encode(into target: inout [UInt8]) { target.append(contentsOf: bytes) }
    }

    /// One column of a batch: an array that the statement unfolds with `unnest`.
    struct SQLArray: SQLArgument {
        private let bytes: [UInt8]

        init<Source: Collection, Value: SQLElement>(_ source: Source, _ value: (Source.Element) -> Value?) {
            var bytes: [UInt8] = []
            let count = source.count
            bytes.append(bigEndian: Int32(count == 0 ? 0 : 1))
            let flags = bytes.count
            bytes.append(bigEndian: Int32(0))
            bytes.append(bigEndian: Value.elementType)
            if count > 0 {
                bytes.append(bigEndian: Int32(count))
                bytes.append(bigEndian: Int32(1))
            }
            for element in source {
                let lengthAt = bytes.count
                bytes.append(bigEndian: Int32(-1))
                if let value = value(element) {
                    value.encode(into: &bytes)
                    bytes.replace(at: lengthAt, bigEndian: Int32(bytes.count - lengthAt - 4))
                } else {
                    bytes[flags + 3] = 1
                }
            }
            self.bytes = bytes
        }

        init<Value: SQLElement>(_ values: some Collection<Value>) {
            self.init(values) { (value: Value) -> Value? in value }
        }

        func encode(into target: inout [UInt8]) { target.append(contentsOf: bytes) }
    }

    extension Array where Element == UInt8 {
        /// Appends a number, most significant byte first.
        mutating func append(bigEndian value: some FixedWidthInteger) {
            Swift.withUnsafeBytes(of: value.bigEndian) { append(contentsOf: $0) }
        }

        fileprivate mutating func replace(at index: Int, bigEndian value: Int32) {
            Swift.withUnsafeBytes(of: value.bigEndian) { source in
                for offset in 0..<4 { self[index + offset] = source[offset] }
            }
        }
    }
#endif
