/// What was found out about one thing.
struct Finding: Sendable, Equatable {
    /// A failure makes the doctor exit 1; a warning is for the operator to judge.
    enum State: String, Sendable { case ok, warning, failed }

    var name: String
    var state: State
    /// What is so, or wrong, in one line.
    var detail: String
    /// What to do about it, in one line; nil when there is nothing to do.
    var remedy: String?
}
