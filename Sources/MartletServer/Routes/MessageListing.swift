import Hummingbird
import Martlet

/// A page of the log, filtered as the query string asks.
package struct MessageListing: Sendable {
    /// One page, and where the next begins.
    struct Page: Sendable {
        var messages: [Message]
        var nextCursor: String?

        /// Closes `{"data":[…` as every list ends.
        func writeEnd(to output: inout [UInt8]) {
            output.append(contentsOf: "],\"next_cursor\":".utf8)
            JSONValue.optional(nextCursor).write(to: &output)
            output.append(UInt8(ascii: "}"))
        }
    }

    /// The query parameters of a list of messages.
    package static let parameters: Set<String> = [
        "recipient", "message_id", "status", "channel", "since", "until", "limit", "cursor",
    ]

    let gateway: Gateway

    /// Reads the query string and asks the store.
    /// - throws: 400 on a bad parameter, or the store's error.
    func page(for exchange: Exchange, deadLettersOnly: Bool) async throws -> Page {
        let reader = try QueryReader(exchange.request.uri, known: Self.parameters)
        let tenant = try exchange.tenant
        var query = MessageQuery(tenant: tenant)
        query.deadLetteredOnly = deadLettersOnly
        query.recipient = try reader.phoneNumber("recipient")
        query.providerMessageID = try reader.text("message_id")
        query.status = try reader.choice(
            "status", among: MessageStatus.allCases.map(\.rawValue), MessageStatus.init(rawValue:))
        query.channel = try channel(reader, tenant)
        query.since = try reader.timestamp("since")
        query.until = try reader.timestamp("until")
        let paging = try Paging<MessageKind>(reader)
        query.limit = paging.limit
        query.before = paging.last
        let page = try await gateway.store.messages(query)
        return Page(
            messages: page.elements,
            nextCursor: page.hasMore ? page.elements.last.map { Paging.cursor(after: $0.id) } : nil)
    }

    /// By name, or by id: the log outlives its channels, and an id is all that is left of a deleted one.
    private func channel(_ reader: QueryReader, _ tenant: TenantID) throws -> ChannelID? {
        guard let name = try reader.text("channel") else { return nil }
        if case .success(let channel) = gateway.directory.resolveChannel(named: name, tenant: tenant) {
            return channel.id
        }
        guard let id = ChannelID(name) else { throw QueryReader.refusal("channel", "names no channel") }
        return id
    }
}
