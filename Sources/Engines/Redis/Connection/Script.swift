#if Redis
    /// A program in Lua that the server runs as one step (https://redis.io/docs/latest/develop/programmability/eval-intro/).
    struct Script: Sendable {
        let name: String
        let source: String

        init(_ name: String, _ source: String) {
            self.name = name
            self.source = source
        }
    }

    extension Array where Element == UInt8 {
        /// A number as the server reads it.
        init(decimal number: some BinaryInteger) { self = Array(String(number).utf8) }
    }
#endif
