import MartletTestSupport

extension ScriptedServer {
    var baseURL: String { "http://127.0.0.1:\(port)/api" }
}

extension ScriptedServer.Reply {
    static func json(_ status: Int, _ body: String, headers: [String: String] = [:]) -> Self {
        .answer(status, headers: headers.merging(["Content-Type": "application/json"]) { $1 }, body)
    }
}
