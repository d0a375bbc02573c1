import Martlet
import MartletTestSupport
import Testing

@testable import MartletServer

@Suite struct ReplayRouteTests {
    @Test func `a dry run counts, and stores nothing`() async throws {
        let harness = try await Harness()
        try await harness.run { api in
            _ = try await harness.deadLetter(api)
            _ = try await harness.deadLetter(api, Samples.text(["expires_in": 60]))
            harness.time.advance(by: .seconds(120))
            func estimate(_ body: JSONObject) async throws -> API.Answer {
                try await api.post("/v1/replays", key: harness.a.key, .object(body.merging(["dry_run": true])))
            }
            let plain = try await estimate(["filter": [:]])
            #expect(plain.status == 200)
            #expect(plain.json == ["matched": 2, "skipped": 1])
            #expect(
                try await estimate(["filter": [:], "include_expired": true]).json == ["matched": 2, "skipped": 0])
            let cases: [(JSONValue, Int64)] = [
                (["reason": "rejected"], 2), (["reason": "expired"], 0), (["channel": "billing"], 2),
                (["recipient": "+14155550123"], 2), (["recipient": "+14155550124"], 0),
                (["since": "2026-11-23T10:00:00Z"], 2), (["until": "2026-11-23T10:00:00Z"], 0),
                (["message_id": "none"], 0),
            ]
            for (filter, matched) in cases {
                #expect(try await estimate(["filter": filter])["matched"] == .integer(matched), "\(filter)")
            }
            let jobs = try await harness.store.claimReplayJobs(
                worker: "w", now: harness.time.now(), leaseUntil: harness.time.now(), takingOver: true)
            #expect(jobs.isEmpty)
        }
    }

    @Test func `a job is stored as it was asked for, shown, and cancelled once`() async throws {
        let harness = try await Harness()
        try await harness.run { api in
            _ = try await harness.deadLetter(api)
            let started = try await api.post(
                "/v1/replays", key: harness.a.key,
                [
                    "filter": ["channel": "billing", "reason": "rejected"], "per_second": 20, "include_expired": true,
                    "correct": ["to_prefix": ["+1415", "+1416"], "payload": ["body": "Corrected"]],
                ])
            #expect(started.status == 202)
            let id = try #require(ReplayID(started.text("id")))
            #expect(
                started.json == [
                    "id": .string(id.text), "status": "running", "matched": 1, "replayed": 0, "skipped": 0, "failed": 0,
                    "last_failure": nil, "per_second": 20, "include_expired": true,
                    "created_at": "2026-11-23T10:00:00.000Z", "finished_at": nil,
                ])
            let job = try #require(try await harness.store.replayJob(id, tenant: harness.a.tenant.id))
            #expect(job.filter.channel == harness.a.channel.id)
            #expect(job.filter.reason == "rejected")
            #expect(job.correction.numberPrefix == .init(wrong: "+1415", right: "+1416"))
            #expect(job.correction.payload == ["body": "Corrected"])
            #expect(try await api.get("/v1/replays/\(id)", key: harness.a.key).json == started.json)
            harness.time.advance(by: .seconds(5))
            let cancelled = try await api.post("/v1/replays/\(id)/cancel", key: harness.a.key)
            #expect(cancelled.status == 200)
            #expect(cancelled["status"] == "cancelled")
            #expect(cancelled["finished_at"] == "2026-11-23T10:00:05.000Z")
            expectProblem(try await api.post("/v1/replays/\(id)/cancel", key: harness.a.key), 409)
            for path in ["/v1/replays/rpl_00000000000000000000000000", "/v1/replays/x"] {
                expectProblem(try await api.get(path, key: harness.a.key), 404)
                expectProblem(try await api.post("\(path)/cancel", key: harness.a.key), 404)
            }
        }
    }

    @Test func `without a pace it is 50 a second`() async throws {
        let harness = try await Harness()
        try await harness.run { api in
            let started = try await api.post("/v1/replays", key: harness.a.key, ["filter": [:]])
            #expect(started["per_second"] == 50)
            #expect(started["include_expired"] == false)
        }
    }

    @Test func `so many jobs run at a time`() async throws {
        let harness = try await Harness()
        try await harness.run { api in
            var last = ""
            for _ in 0..<ReplayJob.runningMax {
                last = try await api.post("/v1/replays", key: harness.a.key, ["filter": [:]]).text("id")
            }
            expectProblem(try await api.post("/v1/replays", key: harness.a.key, ["filter": [:]]), 409)
            #expect(try await api.post("/v1/replays", key: harness.b.key, ["filter": [:]]).status == 202)
            #expect(try await api.post("/v1/replays/\(last)/cancel", key: harness.a.key).status == 200)
            #expect(try await api.post("/v1/replays", key: harness.a.key, ["filter": [:]]).status == 202)
        }
    }

    @Test(
        arguments: [
            ([:], "/filter"), (["filter": []], "/filter"), ([1], ""),
            (["filter": ["recipient": "12"]], "/filter/recipient"),
            (["filter": ["message_id": ""]], "/filter/message_id"), (["filter": ["since": "today"]], "/filter/since"),
            (
                ["filter": ["since": "2026-11-23T10:00:00Z", "until": "2026-11-23T10:00:00Z"]],
                "/filter/until"
            ),
            (["filter": ["reason": "Not found"]], "/filter/reason"),
            (["filter": ["status": "failed"]], "/filter/status"),
            (["filter": ["channel": "nowhere"]], "/filter/channel"),
            (["filter": [:], "per_second": 0], "/per_second"), (["filter": [:], "per_second": 1001], "/per_second"),
            (["filter": [:], "per_second": "10"], "/per_second"), (["filter": [:], "dry_run": 1], "/dry_run"),
            (["filter": [:], "include_expired": "no"], "/include_expired"), (["filter": [:], "colour": 1], "/colour"),
            (["filter": [:], "correct": "all"], "/correct"), (["filter": [:], "correct": ["to": "+1"]], "/correct/to"),
            (["filter": [:], "correct": ["to_prefix": ["+44"]]], "/correct/to_prefix"),
            (["filter": [:], "correct": ["to_prefix": ["44", "+44"]]], "/correct/to_prefix/0"),
            (["filter": [:], "correct": ["to_prefix": ["+44", "+44"]]], "/correct/to_prefix"),
            (["filter": [:], "correct": ["to_prefix": ["+44", "+0"]]], "/correct/to_prefix/1"),
            (["filter": [:], "correct": ["to_prefix": ["+44", 1]]], "/correct/to_prefix/1"),
            (["filter": [:], "correct": ["to_prefix": ["+44", "+1234567890123456"]]], "/correct/to_prefix/1"),
            (["filter": [:], "correct": ["payload": [:]]], "/correct/payload"),
            (["filter": [:], "correct": ["payload": ["bdy": "x"]]], "/correct/payload/bdy"),
            (["filter": [:], "correct": ["payload": ["url": "nowhere"]]], "/correct/payload/url"),
        ] as [(JSONValue, String)])
    func `a bad request is 422 and names its field`(_ body: JSONValue, _ pointer: String) async throws {
        let harness = try await Harness()
        try await harness.run { api in
            expectProblem(
                try await api.post("/v1/replays", key: harness.a.key, body), 422, pointers: [pointer])
        }
    }
}
