/// Why a call to a Martlet server did not give what was asked for.
package struct ClientError: Error, Sendable, CustomStringConvertible {
    /// What kind of failure it was.
    package enum Code: Sendable, Equatable {
        /// The server's address is not one.
        case invalidAddress
        /// No answer: nobody listens there, the connection broke, or the time was up.
        case unreachable
        /// The server refused; ``ClientError/problem`` says why.
        case refused
        /// The answer cannot be read: probably something else listens there.
        case unexpectedAnswer
    }

    package var code: Code
    /// The answer's HTTP status, where there was an answer.
    package var status: Int?
    /// What the server said is wrong (RFC 9457).
    package var problem: Problem?
    /// Seconds after which the server wants to be asked again.
    package var retryAfter: Int?
    private var message: String

    package init(
        _ code: Code, _ message: String, status: Int? = nil, problem: Problem? = nil, retryAfter: Int? = nil
    ) {
        self.code = code
        self.message = message
        self.status = status
        self.problem = problem
        self.retryAfter = retryAfter
    }

    /// One line a person can act on.
    package var description: String { message }
}

/// A refusal as RFC 9457 (`application/problem+json`) has it.
package struct Problem: Sendable, Equatable, Decodable {
    /// What is wrong with one field of the request.
    package struct Field: Sendable, Equatable, Decodable {
        /// A JSON pointer (RFC 6901) into the request.
        package var pointer: String
        package var message: String
    }

    package var type: String?
    package var title: String?
    package var status: Int?
    package var detail: String?
    package var errors: [Field]?

    /// Title, detail and fields in one line.
    package var summary: String {
        var parts: [String] = []
        if let title { parts.append(title) }
        if let detail, detail != title { parts.append(detail) }
        let head = parts.joined(separator: ": ")
        guard let errors, !errors.isEmpty else { return head }
        let fields = errors.map { "\($0.pointer.isEmpty ? "body" : $0.pointer) \($0.message)" }.joined(separator: "; ")
        return head.isEmpty ? fields : "\(head) (\(fields))"
    }
}
