extension String {
    /// The beginning of the text, of that many characters at most, counted as Unicode scalars: what people see as one
    /// character has no bound, as any number of marks may stand on a letter.
    package func cut(to scalarsMax: Int) -> String {
        // Each scalar has one byte at least.
        utf8.count <= scalarsMax ? self : String(unicodeScalars.prefix(scalarsMax))
    }
}
