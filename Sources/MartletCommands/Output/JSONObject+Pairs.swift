import Martlet

extension JSONObject {
    /// An object with those members, in that order; a name that comes again replaces what it had.
    init(pairs: [(String, JSONValue)]) {
        self.init()
        for (name, value) in pairs { self[name] = value }
    }
}
