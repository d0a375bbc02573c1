import NIOHTTP1

extension MartletClient {
    /// Begins a bulk replay.
    package func startReplay(_ request: ReplayRequest) async throws(ClientError) -> Answer<ReplayRecord> {
        try await call(.POST, "/v1/replays", body: request)
    }

    /// Asks how many dead letters a bulk replay would take.
    package func estimateReplay(_ request: ReplayRequest) async throws(ClientError) -> Answer<ReplayEstimate> {
        var request = request
        request.isDryRun = true
        return try await call(.POST, "/v1/replays", body: request)
    }

    /// How far a bulk replay is.
    package func replay(_ id: String) async throws(ClientError) -> Answer<ReplayRecord> {
        try await call(.GET, "/v1/replays/\(Self.escaped(id))")
    }

    /// Ends a bulk replay; what it has queued stays queued.
    package func cancelReplay(_ id: String) async throws(ClientError) -> Answer<ReplayRecord> {
        try await call(.POST, "/v1/replays/\(Self.escaped(id))/cancel")
    }
}
