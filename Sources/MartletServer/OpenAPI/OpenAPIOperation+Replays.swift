extension OpenAPIOperation {
    /// Bulk replays.
    static let replays: [OpenAPIOperation] = [
        OpenAPIOperation(
            method: "post", path: "/v1/replays", id: "createReplay", tag: "dead letters",
            summary: "Queue all dead letters again that meet a filter, paced, as a job that survives a restart",
            security: ["tenantKey"], request: Body(schema: "BulkReplayRequest"),
            answers: [
                (202, "The job has begun.", Body(schema: "BulkReplay")),
                (200, "A dry run: how many it would take. Nothing was stored.", Body(schema: "BulkReplayEstimate")),
            ], refusals: [400, 401, 403, 409, 413, 415, 422, 503]),
        OpenAPIOperation(
            method: "get", path: "/v1/replays/{id}", id: "getReplay", tag: "dead letters",
            summary: "How far a bulk replay is; known for 30 days after its end", security: ["tenantKey"],
            parameters: ["path.id"], answers: [(200, "The job.", Body(schema: "BulkReplay"))],
            refusals: [400, 401, 403, 404, 503]),
        OpenAPIOperation(
            method: "post", path: "/v1/replays/{id}/cancel", id: "cancelReplay", tag: "dead letters",
            summary: "End a bulk replay; what it has queued stays queued", security: ["tenantKey"],
            parameters: ["path.id"], answers: [(200, "The cancelled job.", Body(schema: "BulkReplay"))],
            refusals: [400, 401, 403, 404, 409, 503]),
    ]
}
