import Foundation
import GRDB
import Martlet

extension Database {
    /// Runs a statement that answers nothing, prepared once for each connection.
    func run(_ sql: String, _ arguments: StatementArguments = []) throws {
        try cachedStatement(sql: sql).execute(arguments: arguments)
    }

    /// The first row's value, or nil when there is no row.
    func first<Value>(
        _ sql: String, _ arguments: StatementArguments = [], _ value: (Row) throws -> Value
    ) throws -> Value? {
        let cursor = try Row.fetchCursor(try cachedStatement(sql: sql), arguments: arguments)
        // The row looks into the statement, which the end of the cursor resets.
        return try withExtendedLifetime(cursor) { try cursor.next().map(value) }
    }

    /// Every row's value.
    func all<Value>(
        _ sql: String, _ arguments: StatementArguments = [], _ value: (Row) throws -> Value
    ) throws -> [Value] {
        let cursor = try Row.fetchCursor(try cachedStatement(sql: sql), arguments: arguments)
        var values: [Value] = []
        while let row = try cursor.next() { values.append(try value(row)) }
        return values
    }
}

/// Reads a row's columns in the order of the statement.
struct ColumnReader {
    private let row: Row
    private var index = 0

    init(_ row: Row, from index: Int = 0) {
        self.row = row
        self.index = index
    }

    mutating func next<Value: DatabaseValueConvertible & StatementColumnConvertible>() -> Value {
        defer { index += 1 }
        return row[index]
    }

    mutating func nextIfAny<Value: DatabaseValueConvertible & StatementColumnConvertible>() -> Value? {
        defer { index += 1 }
        return row[index]
    }

    /// A column that holds one of an enumeration's values.
    /// - throws: ``StoreError/Code/unusable`` when it holds another.
    mutating func next<Value: RawRepresentable>(_: Value.Type = Value.self) throws(StoreError) -> Value
    where Value.RawValue: DatabaseValueConvertible & StatementColumnConvertible {
        let raw: Value.RawValue = next()
        guard let value = Value(rawValue: raw) else {
            throw StoreError(.unusable, "the database holds an unknown \(Value.self)")
        }
        return value
    }
}

extension Timestamp: DatabaseValueConvertible, StatementColumnConvertible {
    package var databaseValue: DatabaseValue { microseconds.databaseValue }

    package static func fromDatabaseValue(_ value: DatabaseValue) -> Timestamp? {
        Int64.fromDatabaseValue(value).map(Timestamp.init(microseconds:))
    }

    package init(sqliteStatement: SQLiteStatement, index: CInt) {
        self.init(microseconds: Int64(sqliteStatement: sqliteStatement, index: index))
    }

    package func bind(to statement: SQLiteStatement, at index: CInt) -> CInt {
        microseconds.bind(to: statement, at: index)
    }
}

extension Identifier: DatabaseValueConvertible, StatementColumnConvertible {
    package var databaseValue: DatabaseValue { text.databaseValue }

    package static func fromDatabaseValue(_ value: DatabaseValue) -> Identifier? {
        guard let text = String.fromDatabaseValue(value) else { return nil }
        return Identifier(unchecked: text)
    }

    package init(sqliteStatement: SQLiteStatement, index: CInt) {
        self.init(unchecked: String(sqliteStatement: sqliteStatement, index: index))
    }

    package func bind(to statement: SQLiteStatement, at index: CInt) -> CInt { text.bind(to: statement, at: index) }
}

extension PhoneNumber: DatabaseValueConvertible, StatementColumnConvertible {
    package var databaseValue: DatabaseValue { text.databaseValue }

    package static func fromDatabaseValue(_ value: DatabaseValue) -> PhoneNumber? {
        String.fromDatabaseValue(value).map(PhoneNumber.init(unchecked:))
    }

    package init(sqliteStatement: SQLiteStatement, index: CInt) {
        self.init(unchecked: String(sqliteStatement: sqliteStatement, index: index))
    }

    package func bind(to statement: SQLiteStatement, at index: CInt) -> CInt { text.bind(to: statement, at: index) }
}

extension Array where Element == UInt8 {
    /// These bytes as a statement's argument or column.
    var blob: DatabaseValue { Data(self).databaseValue }

    /// The bytes of a column.
    init(blob row: Row, _ index: Int) { self = Array((row[index] as Data?) ?? Data()) }
}
