import Hummingbird
import Martlet
import MartletTestSupport
import Metrics
import Testing

@testable import MartletServer

@Suite struct ServiceRouteTests {
    @Test func `live says that the process lives`() async throws {
        let harness = try await Harness()
        try await harness.run { api in
            let answer = try await api.get("/health/live")
            #expect(answer.json == ["status": "live"])
        }
    }

    @Test func `ready names each part and why one is not`() async throws {
        let harness = try await Harness()
        try await harness.run { api in
            harness.gateway.health.report("dispatcher", isOK: true)
            let good = try await api.get("/health/ready")
            #expect(good.status == 200)
            #expect(
                good.json == [
                    "status": "ready", "checks": [["name": "dispatcher", "ok": true], ["name": "store", "ok": true]],
                ])
            harness.gateway.health.report("dispatcher", isOK: false, detail: "stopped")
            let bad = try await api.get("/health/ready")
            #expect(bad.status == 503)
            #expect(bad["status"] == "not_ready")
            #expect(bad["checks"]?.arrayValue?.first == ["name": "dispatcher", "ok": false, "detail": "stopped"])
            harness.gateway.health.report("dispatcher", isOK: true)
            harness.store.interpose { operation throws(StoreError) in
                if operation == .check { throw StoreError(.full, "no room on the disk") }
            }
            harness.time.advance(by: .seconds(2))
            let full = try await api.get("/health/ready")
            #expect(full.status == 503)
            #expect(
                full["checks"]?.arrayValue?.last == [
                    "name": "store", "ok": false, "detail": "full: no room on the disk",
                ])
        }
    }

    @Test func `statistics are counted from the caller's messages and channels`() async throws {
        let harness = try await Harness()
        try await harness.run { api in
            _ = try await api.post("/v1/messages", key: harness.a.key, Samples.text)
            _ = try await harness.deadLetter(api)
            _ = try await api.post("/v1/messages", key: harness.a.key, Samples.text)
            _ = try await api.post(
                "/v1/messages", key: harness.a.key, Samples.text(["send_at": "2026-11-24T00:00:00Z"]))
            harness.gateway.rates.sent(harness.a.channel.id, count: 7)
            harness.time.advance(by: .seconds(30))
            let answer = try await api.get("/v1/stats", key: harness.a.key)
            #expect(answer["counts"] == ["queued": 3, "sent": 0, "delivered": 0, "read": 0, "failed": 1])
            #expect(answer["dead_letters"] == 1)
            // The first send is claimed by the test's worker; two wait, one of them for tomorrow.
            let channel = try #require(answer["channels"]?.arrayValue?.first)
            #expect(channel["id"] == .string(harness.a.channel.id.text))
            #expect(channel["name"] == "billing")
            #expect(channel["status"] == "active")
            #expect(channel["waiting"] == 2)
            #expect(channel["oldest_due_seconds"] == 30)
            #expect(channel["sent_last_minute"] == 7)
            #expect(channel["allowed_per_second"] == 45)
            let other = try await api.get("/v1/stats", key: harness.b.key)
            #expect(other["channels"]?.arrayValue?.first?["oldest_due_seconds"] == .null)
        }
    }

    @Test func `metrics are well-formed and read the gateway at scrape`() async throws {
        let harness = try await Harness()
        try await harness.run { api in
            for priority: JSONValue in ["high", "low", "low"] {
                _ = try await api.post("/v1/messages", key: harness.a.key, Samples.text(["priority": priority]))
            }
            _ = try await api.get("/v1/messages/msg_1", key: harness.a.key)
            _ = try await api.get("/nowhere")
            try await harness.gateway.directory.setStatus(harness.b.channel.id, .paused, reason: nil)
            harness.time.advance(by: .seconds(90))
            let answer = try await api.get("/metrics")
            #expect(answer.status == 200)
            #expect(answer.contentType == "text/plain; version=0.0.4; charset=utf-8")
            let exposition = try Exposition(answer.body)
            #expect(exposition.samples[#"martlet_queue_waiting{priority="high"}"#] == 1)
            #expect(exposition.samples[#"martlet_queue_waiting{priority="normal"}"#] == 0)
            #expect(exposition.samples[#"martlet_queue_waiting{priority="low"}"#] == 2)
            #expect(exposition.samples["martlet_queue_oldest_due_seconds"] == 90)
            #expect(exposition.samples[#"martlet_channels{status="active"}"#] == 1)
            #expect(exposition.samples[#"martlet_channels{status="paused"}"#] == 1)
            #expect(exposition.samples["martlet_messages_accepted_total"] != nil)
            #expect(exposition.types["martlet_http_request_duration_seconds"] == "histogram")
            func requests(_ route: String, _ method: String, _ status: String) -> Double? {
                exposition.samples[
                    "martlet_http_request_duration_seconds_count"
                        + #"{route="\#(route)",method="\#(method)",status="\#(status)"}"#
                ]
            }
            #expect(requests("/v1/messages", "POST", "2xx") == 3)
            #expect(requests("/v1/messages/{id}", "GET", "4xx") == 1)
            #expect(requests("unmatched", "GET", "4xx") == 1)
            // Nothing that names a customer.
            for word in [harness.a.tenant.id.text, harness.a.channel.id.text, "billing", "4155550123"] {
                #expect(!answer.body.contains(word))
            }
        }
    }

    @Test func `metrics can want a token`() async throws {
        let harness = try await Harness { $0.metricsToken = Secret("scraper") }
        try await harness.run { api in
            expectProblem(try await api.get("/metrics"), 401)
            expectProblem(try await api.get("/metrics", key: "scraper2"), 401)
            expectProblem(try await api.get("/metrics", key: Harness.adminToken), 401)
            #expect(try await api.get("/metrics", key: "scraper").status == 200)
        }
    }

    @Test func `a store that is away costs the queue's gauges only`() async throws {
        let harness = try await Harness()
        harness.store.interpose { operation throws(StoreError) in
            if operation == .queueDepth { throw StoreError(.unavailable, "away") }
        }
        try await harness.run { api in
            let exposition = try Exposition(try await api.get("/metrics").body)
            #expect(exposition.types["martlet_queue_waiting"] == nil)
            #expect(exposition.types["martlet_channels"] == "gauge")
        }
    }
}

@Suite struct PrometheusRegistryTests {
    @Test func `every instrument of swift-metrics is rendered`() throws {
        let registry = PrometheusRegistry()
        let dimensions = [("provider", "stand-in"), ("outcome", "accepted")]
        for _ in 0..<3 {
            Counter(label: "martlet_attempts_total", dimensions: dimensions, factory: registry).increment()
        }
        FloatingPointCounter(label: "seconds_total", factory: registry).increment(by: 1.5)
        Gauge(label: "level", factory: registry).record(-2)
        let meter = Meter(label: "open", factory: registry)
        meter.increment(by: 5)
        meter.decrement(by: 2)
        let lag = Recorder(label: "martlet_webhook_lag_seconds", factory: registry)
        for value in [0.005, 0.2, 0.2, 7200] { lag.record(value) }
        Timer(label: "work", factory: registry).recordMilliseconds(250)
        let exposition = try Exposition(registry.render())
        #expect(exposition.samples[#"martlet_attempts_total{provider="stand-in",outcome="accepted"}"#] == 3)
        #expect(exposition.samples["seconds_total"] == 1.5)
        #expect(exposition.samples["level"] == -2)
        #expect(exposition.samples["open"] == 3)
        #expect(exposition.types["martlet_webhook_lag_seconds"] == "histogram")
        #expect(exposition.samples[#"martlet_webhook_lag_seconds_bucket{le="0.01"}"#] == 1)
        #expect(exposition.samples[#"martlet_webhook_lag_seconds_bucket{le="0.25"}"#] == 3)
        #expect(exposition.samples[#"martlet_webhook_lag_seconds_bucket{le="3600"}"#] == 3)
        #expect(exposition.samples[#"martlet_webhook_lag_seconds_bucket{le="+Inf"}"#] == 4)
        #expect(exposition.samples["martlet_webhook_lag_seconds_count"] == 4)
        #expect(exposition.samples["martlet_webhook_lag_seconds_sum"] == 7200.405)
        #expect(exposition.samples["work_sum"] == 0.25)
    }

    @Test func `labels are escaped and names cleaned`() throws {
        let registry = PrometheusRegistry()
        Counter(label: "odd.name-1", dimensions: [("a-b", "quote\" slash\\ line\nend")], factory: registry).increment()
        let text = registry.render()
        #expect(text.contains(#"odd_name_1{a_b="quote\" slash\\ line\nend"} 1"#))
        _ = try Exposition(text)
    }

    @Test func `label sets are bounded`() throws {
        let registry = PrometheusRegistry()
        for index in 0..<2000 {
            Counter(label: "runaway_total", dimensions: [("n", String(index))], factory: registry).increment()
        }
        let exposition = try Exposition(registry.render())
        #expect(exposition.samples.keys.filter { $0.hasPrefix("runaway_total") }.count == 512)
    }

    @Test func `a destroyed instrument is forgotten, a reset one starts again`() throws {
        let registry = PrometheusRegistry()
        let counter = Counter(label: "gone_total", factory: registry)
        counter.increment()
        counter.reset()
        #expect(try Exposition(registry.render()).samples["gone_total"] == 0)
        counter.destroy()
        #expect(try Exposition(registry.render()).types["gone_total"] == nil)
    }
}
