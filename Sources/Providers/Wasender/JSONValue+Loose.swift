import Martlet

// WasenderApi writes the same number as a number in one place and as a string in another.
extension JSONValue {
    /// A whole number, however it is written: `3`, `3.0` or `"3"`.
    var looseInteger: Int64? {
        switch self {
        case .integer(let value): value
        case .double(let value): Int64(exactly: value)
        case .string(let text): text.utf8.count <= 20 ? Int64(text) : nil
        default: nil
        }
    }

    /// A number, however it is written; not infinite.
    var looseNumber: Double? {
        switch self {
        case .integer, .double: doubleValue
        case .string(let text): text.utf8.count <= 32 ? Double(text).flatMap { $0.isFinite ? $0 : nil } : nil
        default: nil
        }
    }

    /// An id of the provider's message log (`msgId`), as decimal text.
    var messageLogID: String? {
        switch self {
        case .string(let text):
            (1...20).contains(text.utf8.count)
                && text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } ? text : nil
        default: looseInteger.flatMap { $0 >= 0 ? String($0) : nil }
        }
    }
}
