#if PostgreSQL
    import CPostgreSQL
    import Martlet

    /// What a statement answered, on the connection's thread alone.
    final class ResultSet {
        private let handle: OpaquePointer
        let count: Int

        /// Takes the result over.
        init(_ handle: OpaquePointer) {
            self.handle = handle
            count = Int(PQntuples(handle))
        }

        deinit { PQclear(handle) }

        /// Rows that the statement inserted, changed or deleted.
        var affectedRows: Int { PQcmdTuples(handle).flatMap { Int(String(cString: $0)) } ?? 0 }

        /// The words with which the server says what it did, such as `COMMIT`.
        var command: String { PQcmdStatus(handle).map { String(cString: $0) } ?? "" }

        fileprivate func value(_ row: Int, _ column: Int) -> UnsafeRawBufferPointer? {
            guard PQgetisnull(handle, Int32(row), Int32(column)) == 0 else { return nil }
            return UnsafeRawBufferPointer(
                start: PQgetvalue(handle, Int32(row), Int32(column)),
                count: Int(PQgetlength(handle, Int32(row), Int32(column))))
        }

        /// Every row's value.
        func map<Value>(_ value: (inout ColumnReader) throws -> Value) rethrows -> [Value] {
            var values: [Value] = []
            values.reserveCapacity(count)
            for row in 0..<count {
                var reader = ColumnReader(self, row: row)
                values.append(try value(&reader))
            }
            return values
        }

        /// The first row's value, or nil when there is no row.
        func first<Value>(_ value: (inout ColumnReader) throws -> Value) rethrows -> Value? {
            guard count > 0 else { return nil }
            var reader = ColumnReader(self, row: 0)
            return try value(&reader)
        }
    }

    /// What a column can be read as. The bytes are valid during the call only.
    protocol SQLReadable {
        init(sql bytes: UnsafeRawBufferPointer)
    }

    /// Reads a row's columns in the order of the statement.
    struct ColumnReader {
        private let result: ResultSet
        private let row: Int
        private var column = 0

        fileprivate init(_ result: ResultSet, row: Int) {
            self.result = result
            self.row = row
        }

        /// A column that is never null.
        mutating func next<Value: SQLReadable>(_: Value.Type = Value.self) -> Value {
            nextIfAny() ?? Value(sql: UnsafeRawBufferPointer(start: nil, count: 0))
        }

        mutating func nextIfAny<Value: SQLReadable>(_: Value.Type = Value.self) -> Value? {
            defer { column += 1 }
            return result.value(row, column).map(Value.init(sql:))
        }

        /// A column that holds one of an enumeration's values.
        /// - throws: ``StoreError/Code/unusable`` when it holds another.
        mutating func nextCase<Value: RawRepresentable>(_: Value.Type = Value.self) throws(StoreError) -> Value
        where Value.RawValue: SQLReadable {
            let raw: Value.RawValue = next()
            guard let value = Value(rawValue: raw) else {
                throw StoreError(.unusable, "the database holds an unknown \(Value.self)")
            }
            return value
        }
    }

    extension String: SQLReadable {
        init(sql bytes: UnsafeRawBufferPointer) { self.init(decoding: bytes, as: UTF8.self) }
    }

    extension Int64: SQLReadable {
        init(sql bytes: UnsafeRawBufferPointer) {
            // Sign-extends what is shorter: counts of the server's own come as four bytes.
            var value: Int64 = (bytes.first ?? 0) & 0x80 == 0 ? 0 : -1
            for byte in bytes { value = value << 8 | Int64(byte) }
            self = value
        }
    }

    extension Int: SQLReadable {
        init(sql bytes: UnsafeRawBufferPointer) { self.init(Int64(sql: bytes)) }
    }

    extension Bool: SQLReadable {
        init(sql bytes: UnsafeRawBufferPointer) { self = bytes.first == 1 }
    }

    extension Double: SQLReadable {
        init(sql bytes: UnsafeRawBufferPointer) { self.init(bitPattern: UInt64(bitPattern: Int64(sql: bytes))) }
    }

    extension Timestamp: SQLReadable {
        init(sql bytes: UnsafeRawBufferPointer) { self.init(microseconds: Int64(sql: bytes)) }
    }

    extension Identifier: SQLReadable {
        init(sql bytes: UnsafeRawBufferPointer) { self.init(unchecked: String(sql: bytes)) }
    }

    extension PhoneNumber: SQLReadable {
        init(sql bytes: UnsafeRawBufferPointer) { self.init(unchecked: String(sql: bytes)) }
    }

    extension Blob: SQLReadable {
        init(sql bytes: UnsafeRawBufferPointer) { self.init(Array(bytes)) }
    }
#endif
