import Foundation
import HummingbirdTesting
import Martlet
import MartletTestSupport
import Testing

@testable import MartletServer

@Suite(.timeLimit(.minutes(1))) struct TLSTests {
    /// A pair made for this test, for localhost, which proves nothing to anybody.
    private static let certificate = """
        -----BEGIN CERTIFICATE-----
        MIIBmzCCAUGgAwIBAgIUY/Uf/j5PicjF9NgR5nb42/GWYngwCgYIKoZIzj0EAwIw
        FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyNDA4NDgzOVoYDzIxMjYxMDMx
        MDg0ODM5WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
        PQMBBwNCAAS8N3QxpmPx765qYurCp1hiUefriY4/x/6xGb3bD4N1eszxm0U8LBbV
        hKefR21YWKNAfQTFTd+ZuYVkglbZWCF8o28wbTAdBgNVHQ4EFgQUoKbtO3Eo3TuL
        BSQB+6Iw3lcb8YQwHwYDVR0jBBgwFoAUoKbtO3Eo3TuLBSQB+6Iw3lcb8YQwDwYD
        VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZI
        zj0EAwIDSAAwRQIgXSi5VMo2o+GgKGkDKsHu3k0UhSRIEDYBZMwKA/oJXAUCIQCc
        lemIgDdeaajEtEIPcFdDZYFMx7wBKcPKF/sRW6HaTg==
        -----END CERTIFICATE-----

        """
    private static let key = """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgZGKgLn74MRpa5fkU
        fRvUKGn6hjSqRrgvGbNzTi1AEmOhRANCAAS8N3QxpmPx765qYurCp1hiUefriY4/
        x/6xGb3bD4N1eszxm0U8LBbVhKefR21YWKNAfQTFTd+ZuYVkglbZWCF8
        -----END PRIVATE KEY-----

        """

    @Test func `with a certificate and a key the server speaks HTTPS`() async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("martlet-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let certificate = folder.appendingPathComponent("certificate.pem")
        let key = folder.appendingPathComponent("key.pem")
        try Self.certificate.write(to: certificate, atomically: true, encoding: .utf8)
        try Self.key.write(to: key, atomically: true, encoding: .utf8)
        let harness = try await Harness {
            $0.publicURL = nil
            $0.tls = ServerConfiguration.TLS(certificatePath: certificate.path, keyPath: key.path)
        }
        try await harness.server.makeApplication().test(.ahc(.https)) { client in
            let api = API(client: client)
            #expect(try await api.get("/health/live").json == ["status": "live"])
            let sent = try await api.post("/v1/messages", key: harness.a.key, Samples.text)
            #expect(sent.status == 202)
            let channel = try await api.get("/v1/channels/\(harness.a.channel.id)", key: harness.a.key)
            #expect(channel.text("webhook_url").hasPrefix("https://127.0.0.1:"))
        }
    }

    @Test func `a certificate that cannot be read stops the start`() async throws {
        let harness = try await Harness {
            $0.tls = ServerConfiguration.TLS(certificatePath: "/nonexistent/c.pem", keyPath: "/nonexistent/k.pem")
        }
        let error = #expect(throws: CertificateError.self) { try harness.server.makeApplication() }
        #expect(error?.description.hasPrefix("http.tls.certificate: /nonexistent/c.pem") == true)
    }
}

@Suite(.timeLimit(.minutes(1))) struct LiveServerTests {
    @Test func `over a real connection refusals leave it usable`() async throws {
        let harness = try await Harness()
        try await harness.server.makeApplication().test(.live) { client in
            let api = API(client: client)
            let large = Array(repeating: UInt8(ascii: " "), count: 300 * 1024)
            expectProblem(try await api.send(.post, "/v1/messages", key: harness.a.key, raw: large), 413)
            expectProblem(try await api.send(.post, "/v1/messages", raw: large), 401)
            expectProblem(try await api.get("/v1/nothing", key: harness.a.key), 404)
            #expect(try await api.post("/v1/messages", key: harness.a.key, Samples.text).status == 202)
            #expect(try await api.delete("/v1/channels/\(harness.a.channel.id)", key: harness.a.key).status == 204)
            #expect(try await api.get("/v1/channels", key: harness.a.key).ids == [])
        }
    }
}
