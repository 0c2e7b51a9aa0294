import HTTPServer
import ServiceKit
import Testing

@Suite struct ConnectionTests {
    static let routes: [HTTPRoute] = [
        .immediate(.get, "/now", describe),
        HTTPRoute(.get, "/async") { describe($0) },
        HTTPRoute(.get, "/either", immediate: { $0.query("now").isEmpty ? nil : .text(200, "now") }) { _ in
            .text(200, "later")
        },
        HTTPRoute(.post, "/now", body: .buffered(limit: 100_000), immediate: { .json(200, $0.bytes) }) { _ in
            HTTPResponse(500)
        },
        HTTPRoute(.post, "/async", body: .buffered(limit: 100_000)) { .json(200, $0.bytes) },
        HTTPRoute(.post, "/none") { describe($0) },
        HTTPRoute(.post, "/deny", body: .buffered(limit: 100_000_000), admit: { _ in .text(401, "no") }) {
            describe($0)
        },
        HTTPRoute(.get, "/stream") { _ in
            HTTPResponse(
                200,
                body: .stream(
                    HTTPStream { writer in
                        try await writer.write(Array("one,".utf8))
                        try await writer.write([])
                        try await writer.write(Array("two".utf8))
                    }
                )
            )
        },
        .immediate(.get, "/stream-now") { _ in
            HTTPResponse(200, body: .stream(HTTPStream { try await $0.write(Array("three".utf8)) }))
        },
        .immediate(.get, "/bad-header") { _ in HTTPResponse(200, headers: [HTTPHeader("X", "a\r\nY: b")]) },
    ]

    private func request(_ client: RawClient, _ line: String, _ more: String = "", body: String = "") async throws
        -> RawResponse
    {
        try await client.send("\(line) HTTP/1.1\r\nHost: a\r\n\(more)\r\n\(body)")
        return try #require(try await client.readResponse(isHead: line.hasPrefix("HEAD")))
    }

    @Test(.timeLimit(.minutes(10)), arguments: ["now", "async"])
    func answersPipelinedRequestsInOrder(_ route: String) async throws {
        try await withServer(Self.routes) { _, port in
            let client = try RawClient(port: port)
            let gets = (0..<100).map { "GET /\(route)?\($0) HTTP/1.1\r\nHost: a\r\n\r\n" }.joined()
            let posts = (100..<150).map {
                "POST /\(route) HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n\($0)"
            }.joined()
            try await client.send(gets + posts)
            for index in 0..<100 {
                #expect(try await client.readResponse()?.text.hasPrefix("GET /\(route)?\(index)\n") == true)
            }
            for index in 100..<150 { #expect(try await client.readResponse()?.text == "\(index)") }
        }
    }

    @Test(.timeLimit(.minutes(10)), arguments: [1, 3, 7])
    func readsRequestsThatComeInFragments(_ size: Int) async throws {
        try await withServer(Self.routes) { _, port in
            let client = try RawClient(port: port)
            let fields = (0..<90).map { "Name-\($0):  value \($0)\r\n" }.joined()
            for index in 0..<3 {
                try await client.send("GET /now?q=\(index) HTTP/1.1\r\nHost: a\r\n\(fields)E:\r\n\r\n", pieces: size)
                let text = try #require(try await client.readResponse()).text
                #expect(text.hasPrefix("GET /now?q=\(index)\nHost=a\nName-0=value 0\n"))
                #expect(text.hasSuffix("Name-89=value 89\nE=\n"))
                let body =
                    "POST /async HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
                try await client.send(body, pieces: size)
                #expect(try await client.readResponse()?.text == "abcde")
            }
        }
    }

    @Test(.timeLimit(.minutes(10))) func givesEachBodyToItsPolicy() async throws {
        try await withServer(Self.routes) { _, port in
            let client = try RawClient(port: port)
            let large = String(repeating: "x", count: 100_000)
            for path in ["/now", "/async"] {
                #expect(try await self.request(client, "POST \(path)").text == "")
                let whole = try await self.request(client, "POST \(path)", "Content-Length: 100000\r\n", body: large)
                #expect(whole.text == large)
            }
            let ignored = try await self.request(client, "POST /none", "Content-Length: 3\r\n", body: "abc")
            #expect(ignored.text == "POST /none?\nHost=a\nContent-Length=3\n")
            #expect(try await self.request(client, "GET /either?now").text == "now")
            #expect(try await self.request(client, "GET /either").text == "later")
        }
    }

    @Test(.timeLimit(.minutes(10)), arguments: ["/now", "/none"])
    func cutsOffChunkedBodiesOverTheirLimit(_ path: String) async throws {
        try await withServer(Self.routes) { _, port in
            let client = try RawClient(port: port)
            let chunk = "4000\r\n\(String(repeating: "x", count: 0x4000))\r\n"
            try await client.send("POST \(path) HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
            // Sent until the server has had enough; what it then answers is there to be read.
            for _ in 0..<7 { try await client.send(chunk) }
            let response = try #require(try await client.readResponse())
            #expect(response.status == 413)
            #expect(response.text.contains("content_too_large"))
            #expect(try await client.readToEnd().end == .closed)
        }
    }

    @Test(.timeLimit(.minutes(10))) func refusesBeforeALargeBodyIsRead() async throws {
        try await withServer(Self.routes) { _, port in
            let client = try RawClient(port: port)
            let response = try await self.request(client, "POST /deny", "Content-Length: 90000000\r\n")
            #expect(response.status == 401)
            #expect(try await client.readToEnd().end == .closed)
        }
    }

    @Test(.timeLimit(.minutes(10)), arguments: [true, false])
    func hearsOutWhoSendsBeforeReading(_ isChunked: Bool) async throws {
        try await withServer(Self.routes) { _, port in
            let client = try RawClient(port: port)
            let count = 8 << 20
            let framing = isChunked ? "Transfer-Encoding: chunked" : "Content-Length: \(count)"
            let head = "POST /now HTTP/1.1\r\nHost: a\r\n\(framing)\r\n\r\n"
            let size = isChunked ? String(count, radix: 16) + "\r\n" : ""
            // In one go, as a client does that looks at the answer only when it has sent its request.
            let request = Array((head + size).utf8) + [UInt8](repeating: 120, count: count)
            #expect(try await client.send(request))
            let response = try #require(try await client.readResponse())
            #expect(response.status == 413)
            #expect(response.text.contains("content_too_large"))
            #expect(try await client.readToEnd().end == .closed)
        }
    }

    @Test(.timeLimit(.minutes(10)), arguments: ["/deny", "/nothing"])
    func keepsTheConnectionWhenASmallBodyIsRefused(_ path: String) async throws {
        try await withServer(Self.routes) { _, port in
            let client = try RawClient(port: port)
            for _ in 0..<3 {
                let response = try await self.request(client, "POST \(path)", "Content-Length: 3\r\n", body: "abc")
                #expect(response.status == (path == "/deny" ? 401 : 404))
            }
            #expect(try await self.request(client, "GET /now").status == 200)
        }
    }

    @Test(.timeLimit(.minutes(10))) func answersExpectations() async throws {
        try await withServer(Self.routes) { _, port in
            let expectation = "Expect: 100-continue\r\nContent-Length: 3\r\n"
            let client = try RawClient(port: port)
            #expect(try await self.request(client, "POST /async", expectation).status == 100)
            try await client.send("abc")
            #expect(try await client.readResponse()?.text == "abc")
            #expect(try await self.request(client, "POST /deny", expectation).status == 401)
            #expect(try await client.readToEnd().end == .closed)
        }
    }

    @Test(.timeLimit(.minutes(10))) func answersHeadWithoutABody() async throws {
        try await withServer(Self.routes) { _, port in
            let client = try RawClient(port: port)
            for path in ["/now", "/async", "/stream", "/stream-now", "/nothing"] {
                let head = try await self.request(client, "HEAD \(path)")
                let get = try await self.request(client, "GET \(path)")
                #expect(head.status == get.status)
                // One byte too many after a HEAD would have been read as the beginning of the GET's answer.
                if !path.hasPrefix("/stream") {
                    // The method is a letter longer where it is echoed.
                    let difference = get.text.hasPrefix("GET") ? 1 : 0
                    #expect(head.header("content-length") == "\(get.body.count + difference)")
                }
            }
        }
    }

    @Test(.timeLimit(.minutes(10))) func streamsToBothVersions() async throws {
        try await withServer(Self.routes) { _, port in
            let client = try RawClient(port: port)
            let chunked = try await self.request(client, "GET /stream")
            #expect(chunked.header("transfer-encoding") == "chunked")
            #expect(chunked.text == "one,two")
            #expect(try await self.request(client, "GET /stream-now").text == "three")
            try await client.send("GET /stream HTTP/1.0\r\n\r\n")
            let old = try #require(try await client.readResponse())
            #expect(old.header("transfer-encoding") == nil)
            #expect(old.text == "one,two")
            #expect(try await client.readToEnd().end == .closed)
        }
    }

    @Test(.timeLimit(.minutes(10))) func namesEachRequest() async throws {
        try await withServer(Self.routes) { _, port in
            let client = try RawClient(port: port)
            func id(_ field: String, _ path: String = "/now") async throws -> String? {
                try await self.request(client, "GET \(path)", field).header("X-Request-ID")
            }
            #expect(try await id("X-Request-ID: abc.DEF_1-2\r\n") == "abc.DEF_1-2")
            #expect(try await id("x-request-id: mine\r\n", "/nothing") == "mine")
            let longest = String(repeating: "a", count: 128)
            #expect(try await id("X-Request-ID: \(longest)\r\n", "/async") == longest)
            var made: Set<String> = []
            for bad in ["", "X-Request-ID: a b\r\n", "X-Request-ID: \(longest)a\r\n", "X-Request-ID:\r\n"] {
                let id = try #require(try await id(bad))
                #expect(id.utf8.count == 15)
                #expect(id.utf8.allSatisfy { (48...57).contains($0) || (97...122).contains($0) })
                made.insert(id)
            }
            #expect(made.count == 4)
        }
    }

    @Test(.timeLimit(.minutes(10))) func answers500ForAHeaderThatCannotBeSent() async throws {
        try await withServer(Self.routes) { _, port in
            let client = try RawClient(port: port)
            let response = try await self.request(client, "GET /bad-header")
            #expect(response.status == 500)
            #expect(response.header("Y") == nil)
            #expect(try await self.request(client, "GET /now").status == 200)
        }
    }

    @Test(.timeLimit(.minutes(10))) func closesWhenAskedTo() async throws {
        try await withServer(Self.routes) { _, port in
            let client = try RawClient(port: port)
            #expect(try await self.request(client, "GET /now", "Connection: close\r\n").status == 200)
            #expect(try await client.readToEnd().end == .closed)
        }
    }

    @Test(.timeLimit(.minutes(10))) func tellsWhatBecameOfEachRequest() async throws {
        let began = ContinuousClock.now
        let seen = Locked<[HTTPObservation]>([])
        let all = Signal()
        let observe: HTTPServer.Observer = { observation in
            let count = seen.withLock { seen in
                seen.append(observation)
                return seen.count
            }
            if count == 4 { all.fire() }
        }
        try await withServer(Self.routes, observe: observe) { _, port in
            let client = try RawClient(port: port)
            _ = try await self.request(client, "GET /now?a=1", "X-Request-ID: one\r\n")
            _ = try await self.request(client, "POST /async", "Content-Length: 1\r\n", body: "x")
            _ = try await self.request(client, "GET /nothing")
            _ = try await self.request(client, "GET /now", "X: a\u{1}\r\n")
            try await all.wait()
        }
        let observations = seen.withLock { $0 }
        #expect(observations.map(\.status) == [200, 200, 404, 400])
        #expect(observations.map(\.routePattern) == ["/now", "/async", nil, nil])
        #expect(observations.map(\.method) == [.get, .post, .get, nil])
        #expect(observations[0].requestID == "one")
        #expect(observations[0].isComplete)
        #expect(observations.allSatisfy { $0.duration > .zero && $0.duration < ContinuousClock.now - began })
    }
}
