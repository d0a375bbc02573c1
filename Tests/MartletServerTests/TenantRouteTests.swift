import Martlet
import MartletTestSupport
import Testing

@testable import MartletServer

@Suite struct TenantRouteTests {
    @Test func `tenants are created, listed, changed and deleted`() async throws {
        let harness = try await Harness()
        try await harness.run { api in
            let admin = Harness.adminToken
            let created = try await api.post(
                "/v1/tenants", key: admin, ["name": "Crane", "limits": [["count": 100, "per_seconds": 1]]])
            #expect(created.status == 201)
            let path = "/v1/tenants/\(created.text("id"))"
            #expect(created.headers[.location] == path)
            #expect(created["name"] == "Crane")
            #expect(created["limits"] == [["count": 100, "per_seconds": 1]])
            #expect(try await api.get(path, key: admin).json == created.json)
            let all = try await api.get("/v1/tenants", key: admin)
            #expect(all.ids == [harness.a.tenant.id.text, harness.b.tenant.id.text, created.text("id")])
            #expect(try await api.patch(path, key: admin, ["name": "Heron"])["limits"] == created["limits"])
            let changed = try await api.patch(path, key: admin, ["limits": nil])
            #expect(changed["name"] == "Heron")
            #expect(changed["limits"] == [])
            #expect(try await api.delete(path, key: admin).status == 204)
            expectProblem(try await api.get(path, key: admin), 404)
            expectProblem(try await api.patch(path, key: admin, ["name": "x"]), 404)
            expectProblem(try await api.delete(path, key: admin), 404)
        }
    }

    @Test(
        arguments: [
            ([:], ["/name"]), (["name": 7], ["/name"]), (["name": "x", "plan": "gold"], ["/plan"]),
            (["name": .string(String(repeating: "n", count: 129))], ["/name"]), ([], [""]), (nil, [""]),
            (["name": "x", "limits": [["count": "50", "per_seconds": 1]]], ["/limits/0/count"]),
        ] as [(JSONValue, [String])])
    func `a bad tenant is 422`(_ body: JSONValue, _ pointers: [String]) async throws {
        let harness = try await Harness()
        try await harness.run { api in
            expectProblem(try await api.post("/v1/tenants", key: Harness.adminToken, body), 422, pointers: pointers)
            #expect(harness.gateway.directory.tenants().count == 2)
        }
    }

    @Test func `a key is shown once, works at once, and is revoked at once`() async throws {
        let harness = try await Harness()
        try await harness.run { api in
            let admin = Harness.adminToken
            let path = "/v1/tenants/\(harness.a.tenant.id)/keys"
            let created = try await api.post(path, key: admin, ["name": "second"])
            #expect(created.status == 201)
            #expect(created["name"] == "second")
            let key = created.text("key")
            #expect(key.hasPrefix("mk_"))
            #expect(try await api.get("/v1/messages", key: key).status == 200)
            let list = try await api.get(path, key: admin)
            #expect(list["data"]?.arrayValue?.count == 2)
            let shown = try #require(list["data"]?.arrayValue?.last)
            #expect(shown.objectValue?.names == ["id", "name", "created_at", "last_used_at", "revoked_at"])
            #expect(shown["last_used_at"] == "2026-11-23T10:00:00.000Z")
            #expect(!list.body.contains(key))

            #expect(try await api.delete("\(path)/\(created.text("id"))", key: admin).status == 204)
            expectProblem(try await api.get("/v1/messages", key: key), 401)
            let revoked = try await api.get(path, key: admin)["data"]?.arrayValue?.last
            #expect(revoked?["revoked_at"] == "2026-11-23T10:00:00.000Z")
            // The other key goes on.
            #expect(try await api.get("/v1/messages", key: harness.a.key).status == 200)
            #expect(try await api.post(path, key: admin)["name"] == .null)
            expectProblem(try await api.delete("\(path)/key_00000000000000000000000000", key: admin), 404)
            expectProblem(
                try await api.post(path, key: admin, ["name": "x", "scope": "all"]), 422, pointers: ["/scope"])
            let elsewhere = "/v1/tenants/\(harness.b.tenant.id)/keys/\(created.text("id"))"
            expectProblem(try await api.delete(elsewhere, key: admin), 404)
        }
    }

    @Test func `a deleted tenant's key is worth nothing`() async throws {
        let harness = try await Harness()
        try await harness.run { api in
            #expect(try await api.post("/v1/messages", key: harness.a.key, Samples.text).status == 202)
            #expect(try await api.delete("/v1/tenants/\(harness.a.tenant.id)", key: Harness.adminToken).status == 204)
            expectProblem(try await api.get("/v1/messages", key: harness.a.key), 401)
            #expect(harness.store.messageCount == 0)
            #expect(harness.gateway.directory.channels().map(\.id) == [harness.b.channel.id])
        }
    }
}
