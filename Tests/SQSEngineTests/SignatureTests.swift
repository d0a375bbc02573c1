#if SQS
    import Crypto
    import Martlet
    import Testing

    @testable import SQSEngine

    /// Signatures against values from AWS's documentation, and from botocore, which is AWS's own client.
    @Suite struct SignatureTests {
        private let moment = Timestamp(rfc3339: "2015-08-30T12:36:00Z")!

        private func signature(_ region: String, _ service: String) -> SignatureV4 {
            SignatureV4(
                credentials: SQSCredentials(
                    accessKeyID: "AKIDEXAMPLE",
                    secretAccessKey: Secret("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")),
                region: region, service: service)
        }

        /// The documentation's example of deriving a key.
        @Test func `derives the key for a day, a region and a service`() {
            let key = signature("us-east-1", "iam").signingKey(at: moment).withUnsafeBytes { Array($0) }
            #expect(
                SignatureV4.hexadecimal(key) == "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9")
        }

        /// The documentation's example of a request: IAM's ListUsers.
        @Test func `signs the documented request`() {
            let input = SignatureV4.Input(
                method: "GET", query: [("Version", "2010-05-08"), ("Action", "ListUsers")],
                headers: [
                    ("Host", "iam.amazonaws.com"), ("X-Amz-Date", "20150830T123600Z"),
                    ("Content-Type", "application/x-www-form-urlencoded; charset=utf-8"),
                ], body: [])
            #expect(
                SignatureV4.canonicalRequest(input)
                    == """
                    GET
                    /
                    Action=ListUsers&Version=2010-05-08
                    content-type:application/x-www-form-urlencoded; charset=utf-8
                    host:iam.amazonaws.com
                    x-amz-date:20150830T123600Z

                    content-type;host;x-amz-date
                    e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
                    """)
            let signature = signature("us-east-1", "iam")
            #expect(
                signature.stringToSign(input, at: moment)
                    == """
                    AWS4-HMAC-SHA256
                    20150830T123600Z
                    20150830/us-east-1/iam/aws4_request
                    f536975d06c0309214f805bb90ccff089219ecd68b2577efef23edd43b7e1a59
                    """)
            #expect(
                signature.authorization(for: input, at: moment)
                    == "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, "
                    + "SignedHeaders=content-type;host;x-amz-date, "
                    + "Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7")
        }

        @Test func `signs a request to SQS as AWS's own client does`() {
            let input = SignatureV4.Input(
                method: "POST",
                headers: [
                    ("host", "sqs.eu-central-1.amazonaws.com"), ("content-type", "application/x-amz-json-1.0"),
                    ("x-amz-date", "20150830T123600Z"), ("x-amz-target", "AmazonSQS.GetQueueUrl"),
                ], body: Array(#"{"QueueName":"martlet-high"}"#.utf8))
            #expect(
                signature("eu-central-1", "sqs").signature(for: input, at: moment)
                    == "28bb841d6f37bf17368bd0b9d6254d66640d6107e247289a74d246d99ef8659e")
        }

        @Test func `signs temporary keys' token with the rest`() {
            let input = SignatureV4.Input(
                method: "POST",
                headers: [
                    ("host", "127.0.0.1:5566"), ("content-type", "application/x-amz-json-1.0"),
                    ("x-amz-date", "20150830T123600Z"), ("x-amz-target", "AmazonSQS.GetQueueUrl"),
                    ("x-amz-security-token", "a session/token+with=signs"),
                ], body: Array(#"{"QueueName":"martlet-high"}"#.utf8))
            #expect(
                signature("us-east-1", "sqs").signature(for: input, at: moment)
                    == "eabfab9a45dd9854323bfe583ce919388c6143167412918b0b05ce9fdefdec75")
        }

        @Test func `encodes paths and queries, and folds spaces in headers, as AWS's own client does`() {
            let input = SignatureV4.Input(
                method: "GET", path: "/a folder/x%2Fy/é~-_.",
                query: [("b", "2"), ("a", "1 +/~é"), ("a", "0"), ("empty", "")],
                headers: [
                    ("host", "example.amazonaws.com"), ("My-Header", "  a   b  "), ("x-amz-date", "20150830T123600Z"),
                ], body: [])
            #expect(
                SignatureV4.canonicalRequest(input).hasPrefix(
                    """
                    GET
                    /a%20folder/x%252Fy/%C3%A9~-_.
                    a=0&a=1%20%2B%2F~%C3%A9&b=2&empty=
                    host:example.amazonaws.com
                    my-header:a b

                    """))
            #expect(
                signature("us-east-1", "service").signature(for: input, at: moment)
                    == "e4671483bcb5dd6c5e3b6cb20a04ce2d9a98137fda56ce70a3e4d7a2b6fd89e3")
        }

        @Test func `reads the date of an HTTP header`() {
            #expect(
                Timestamp(httpDate: "Tue, 24 Nov 2026 14:37:42 GMT") == Timestamp(rfc3339: "2026-11-24T14:37:42Z"))
            for text in [
                "", "24 Nov 2026 14:37:42 GMT", "Tue, 24 Nov 2026 14:37:42 CET", "Tue, 4 Nov 2026 14:37:42 GMT",
                "Tue, 32 Nov 2026 14:37:42 GMT", "Tue, 24 Nov 2026 24:37:42 GMT", String(repeating: "x ", count: 40),
            ] {
                #expect(Timestamp(httpDate: text) == nil)
            }
        }
    }
#endif
