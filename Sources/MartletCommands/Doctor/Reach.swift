import AsyncHTTPClient
import Foundation
import Martlet
import NIOCore
import NIOHTTP1

/// Asks what answers at an address.
struct Reach: Sendable {
    /// Who answered.
    enum Answer: Sendable, Equatable {
        case martlet
        /// Something that is not Martlet, in words.
        case other(String)
        /// Nobody, and why.
        case nothing(String)
    }

    /// The longest to wait for an answer.
    private static let timeout: TimeAmount = .seconds(5)
    private static let bodyBytesMax = 1 << 20

    /// Never shut down, as it lives as long as the process. A server that is not there is told at once.
    private static let http: HTTPClient = {
        var configuration = HTTPClient.Configuration()
        configuration.redirectConfiguration = .disallow
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.timeout.connect = timeout
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }()

    /// Who answers at a base URL. A proxy may let through nothing but webhooks, so an address of theirs is tried, too.
    static func who(at url: String) async -> Answer {
        do {
            let live = try await get(url + "/health/live")
            if live.status == 200, let body = try? JSONParser.value(live.body), body["status"] == "live" {
                return .martlet
            }
            let webhook = try await get(url + "/webhooks/chn_none/none")
            if webhook.status == 404, webhook.type?.hasPrefix("application/problem+json") == true { return .martlet }
            return .other("HTTP \(live.status)")
        } catch {
            return .nothing(words(error))
        }
    }

    /// What the service at a base URL says is not well, by check; nil when it does not say.
    static func unwell(at url: String) async -> [(name: String, detail: String)]? {
        guard let answer = try? await get(url + "/health/ready"), let body = try? JSONParser.value(answer.body),
            let checks = body["checks"]?.arrayValue
        else { return nil }
        return checks.compactMap { check in
            guard check["ok"] == false, let name = check["name"]?.stringValue else { return nil }
            return (name, check["detail"]?.stringValue ?? "no detail")
        }
    }

    /// By how much the clock of whoever answers at a URL is ahead of this machine's; nil when it does not tell. Good to a
    /// second and the way there.
    static func clockLead(at url: String) async -> Duration? {
        let time = SystemTimeSource()
        let before = time.now()
        guard let answer = try? await get(url), let date = answer.date.flatMap(httpDate) else { return nil }
        let middle = before + (time.now() - before) / 2
        return date - middle
    }

    /// Reads the one form of HTTP dates that is sent today (https://www.rfc-editor.org/rfc/rfc9110#name-date-time-formats).
    static func httpDate(_ text: String) -> Timestamp? {
        let formatter = DateFormatter()
        formatter.locale = Locale(identifier: "en_US_POSIX")
        formatter.timeZone = TimeZone(secondsFromGMT: 0)
        formatter.dateFormat = "EEE, dd MMM yyyy HH:mm:ss 'GMT'"
        return formatter.date(from: text).map { Timestamp(seconds: Int64($0.timeIntervalSince1970)) }
    }

    private struct Response {
        var status: Int
        var type: String?
        var date: String?
        var body: [UInt8]
    }

    private static func get(_ url: String) async throws -> Response {
        var request = HTTPClientRequest(url: url)
        request.headers.add(name: "User-Agent", value: "martlet-doctor/\(MartletProgram.version)")
        let response = try await http.execute(request, timeout: timeout)
        let body = try await response.body.collect(upTo: bodyBytesMax)
        return Response(
            status: Int(response.status.code), type: response.headers.first(name: "Content-Type"),
            date: response.headers.first(name: "Date"), body: Array(body.readableBytesView))
    }

    /// An error in words a person can do something with.
    private static func words(_ error: any Error) -> String {
        switch error {
        case let error as HTTPClientError: error.shortDescription
        default: "no connection can be made (\(type(of: error)))"
        }
    }
}
