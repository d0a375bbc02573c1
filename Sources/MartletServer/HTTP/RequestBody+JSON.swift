import Hummingbird
import Martlet

/// How large a body may be, in bytes.
enum BodyLimit {
    /// Any body that is no batch and no webhook.
    static let standard = 256 * 1024
    /// `POST /v1/messages/batch`.
    static let batch = 4 * 1024 * 1024
    /// A provider's report.
    static let webhook = 1024 * 1024
}

extension Request {
    /// The body as bytes.
    /// - throws: 413 when it is larger than the limit, as soon as that can be told.
    func bodyBytes(upTo limit: Int) async throws -> ByteBuffer {
        if let length = headers[.contentLength].flatMap({ Int($0) }), length > limit { throw Problem.tooLarge(limit) }
        do {
            return try await body.collect(upTo: limit)
        } catch let error as any HTTPResponseError where error.status == .contentTooLarge {
            throw Problem.tooLarge(limit)
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            throw Problem(.malformed, "The body ended early.")
        }
    }

    /// The body as a JSON document, strings checked for what no field may hold.
    /// - Parameters:
    ///   - limit: of the body, in bytes.
    ///   - emptyMeans: what an empty body stands for; nil refuses it.
    func jsonDocument(
        upTo limit: Int = BodyLimit.standard, emptyMeans: JSONValue? = nil
    ) async throws -> JSONParser.Document {
        try requireJSON()
        let buffer = try await bodyBytes(upTo: limit)
        if buffer.readableBytes == 0 {
            guard let emptyMeans else { throw Problem(.malformed, "The body is empty; it must be a JSON object.") }
            return JSONParser.Document(value: emptyMeans, unpairedSurrogates: [])
        }
        do {
            return try JSONParser.parse(buffer.readableBytesView)
        } catch {
            throw Problem(.malformed, "In the body, \(error).")
        }
    }

    /// The body as a JSON value whose strings are all sound.
    func json(upTo limit: Int = BodyLimit.standard, emptyMeans: JSONValue? = nil) async throws -> JSONValue {
        let document = try await jsonDocument(upTo: limit, emptyMeans: emptyMeans)
        let errors = document.stringErrors
        guard errors.isEmpty else { throw Problem.invalid(errors) }
        return document.value
    }

    /// 415 for a body that says it is something else. One that says nothing is taken at its word once it parses.
    private func requireJSON() throws {
        if let encoding = headers[.contentEncoding], encoding.lowercased() != "identity" {
            throw Problem(.unsupportedMediaType, "Encoded bodies are not taken; send it as it is.")
        }
        guard let type = headers[.contentType] else { return }
        var parts = type.lowercased().split(separator: ";").map { $0.trimming(while: \.isWhitespace) }[...]
        guard parts.popFirst() == "application/json" else {
            throw Problem(.unsupportedMediaType, "The content type must be application/json.")
        }
        for part in parts where part.hasPrefix("charset=") {
            guard ["charset=utf-8", "charset=\"utf-8\"", "charset=us-ascii"].contains(part) else {
                throw Problem(.unsupportedMediaType, "The character set must be UTF-8.")
            }
        }
    }
}

extension Problem {
    fileprivate static func tooLarge(_ limit: Int) -> Problem {
        Problem(.tooLarge, "The body may have at most \(limit) bytes.")
    }
}

extension Substring {
    fileprivate func trimming(while predicate: (Character) -> Bool) -> Substring {
        var trimmed = drop(while: predicate)
        while let last = trimmed.last, predicate(last) { trimmed.removeLast() }
        return trimmed
    }
}
