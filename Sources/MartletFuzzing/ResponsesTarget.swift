import Martlet
import WasenderProvider

/// A provider's answer to a send: the status, header lines, an empty line, the body.
enum ResponsesTarget {
    private static let now = MessagesTarget.now

    static func check(_ bytes: [UInt8]) throws(BrokenPromise) {
        let response = WireText(bytes)
        let status = response.start.split(separator: " ").lazy.compactMap { Int($0) }.first ?? 200
        let answer = Answer(
            status: (100...999).contains(status) ? status : 200, headers: response.headers, body: response.body)
        try outcome(answer)
        try messageLog(answer)
    }

    private static func outcome(_ answer: Answer) throws(BrokenPromise) {
        let words = ProviderWords(hiding: Wasender.credentials)
        let outcome = SendOutcome.read(answer, words: words, now: now)
        switch outcome {
        case .accepted(let id, _):
            try promise(answer.isSuccess, "accepted with status \(answer.status)")
            try promise(
                (1...20).contains(id.utf8.count)
                    && id.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) },
                "accepted under an id that cannot be one")
        case .throttled(let delay, _), .transient(_, let delay):
            if let delay {
                try promise((.zero...Duration.seconds(86_400)).contains(delay), "a wait of \(delay)")
            }
        case .rejected, .sessionDown, .unauthorized, .unknown: break
        }
        guard let detail = outcome.detail else { return }
        try Wasender.areFit(detail, max: 600)
    }

    private static func messageLog(_ answer: Answer) throws(BrokenPromise) {
        guard let envelope = Envelope(answer.body), let page = MessageLogPage(envelope, perPage: 100) else { return }
        let wanted: JSONObject = ["imageUrl": "https://media.example/a.png", "text": "Invoice 42"]
        for row in page.rows where row.isSend(of: wanted, to: Wasender.message.recipient) {
            try promise(row.recipient != nil && row.content != nil, "a row that holds nothing is taken for a send")
        }
    }
}
