import HTTPServer
import Testing

/// Every row of what the library accepts and a server must not, and of what must go on working.
///
/// These rest on the layout in which libmicrohttpd 0.9.75 leaves a parsed head: they are the guard against another.
@Suite struct StrictnessTests {
    static let routes: [HTTPRoute] = [
        .immediate(.get, "/echo", describe),
        HTTPRoute(.post, "/echo", body: .buffered(limit: 1_000_000)) { describe($0) },
        HTTPRoute(.post, "/deny", body: .buffered(limit: 1_000_000), admit: { _ in HTTPResponse(403) }) {
            describe($0)
        },
    ]

    private func verify(_ row: StrictCase) async throws {
        try await withServer(Self.routes) { _, port in
            let client = try RawClient(port: port)
            try await client.send(row.bytes)
            if row.outcome == .closes {
                let (bytes, end) = try await client.readToEnd()
                #expect(bytes.isEmpty)
                #expect(end == .closed)
                return
            }
            let response = try #require(try await client.readResponse())
            switch row.outcome {
            case .answers(let status):
                #expect(response.status == status)
                #expect(response.text.contains(row.holds))
                try await client.send("GET /echo?again HTTP/1.1\r\nHost: a\r\n\r\n")
                #expect(try await client.readResponse()?.text.hasPrefix("GET /echo?again") == true)
            case .refuses(let status):
                #expect(response.status == status)
                #expect(response.header("content-type") == "application/json")
                #expect(response.text.hasPrefix(#"{"code":"#))
                #expect(response.header("x-request-id") != nil)
                #expect(try await client.readToEnd().end == .closed)
            case .libraryRefuses(let status):
                #expect(response.status == status)
                #expect(response.header("content-type") == nil)
                #expect(try await client.readToEnd().end == .closed)
            case .closes: break
            }
        }
    }

    @Test(.timeLimit(.minutes(10)), arguments: Self.lengths)
    func framesBodiesByOneClearLength(_ row: StrictCase) async throws { try await self.verify(row) }

    @Test(.timeLimit(.minutes(10)), arguments: Self.chunks)
    func readsChunksAsWritten(_ row: StrictCase) async throws { try await self.verify(row) }

    @Test(.timeLimit(.minutes(10)), arguments: Self.fields)
    func refusesUnclearHeaderLines(_ row: StrictCase) async throws { try await self.verify(row) }

    @Test(.timeLimit(.minutes(10)), arguments: Self.lines)
    func refusesUnclearRequestLines(_ row: StrictCase) async throws { try await self.verify(row) }

    @Test(.timeLimit(.minutes(10)), arguments: Self.sizes)
    func boundsTheHead(_ row: StrictCase) async throws { try await self.verify(row) }

    static let lengths: [StrictCase] = [
        .post("one length", "Content-Length: 3\r\n", "abc", .answers(200), holds: "abc"),
        .post("leading zeros", "Content-Length: 000003\r\n", "abc", .answers(200), holds: "abc"),
        .post("two lengths that differ", "Content-Length: 3\r\nContent-Length: 5\r\n", "abcde", .refuses(400)),
        .post("two lengths, the same", "Content-Length: 3\r\nContent-Length: 3\r\n", "abc", .refuses(400)),
        .post(
            "length and chunked",
            "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
            "2\r\nab\r\n0\r\n\r\n",
            .refuses(400)
        ),
        .post("length -1", "Content-Length: -1\r\n", "", .libraryRefuses(400)),
        .post("length +5", "Content-Length: +5\r\n", "abcde", .libraryRefuses(400)),
        .post("length in hex", "Content-Length: 0x5\r\n", "abcde", .libraryRefuses(400)),
        .post("length list", "Content-Length: 3, 3\r\n", "abc", .libraryRefuses(400)),
        .post("length with a blank after it", "Content-Length: 3 \r\n", "abc", .libraryRefuses(400)),
        .post("empty length", "Content-Length: \r\n", "abc", .libraryRefuses(400)),
        .post("length 2^64", "Content-Length: 18446744073709551616\r\n", "", .libraryRefuses(413)),
        .post("length 2^64-1", "Content-Length: 18446744073709551615\r\n", "abc", .refuses(400)),
        .post("over the limit", "Content-Length: 1000001\r\n", "", .refuses(413)),
        .post("chunked", "Transfer-Encoding: Chunked\r\n", "2\r\nab\r\n0\r\n\r\n", .answers(200), holds: "ab"),
        .post("gzip, chunked", "Transfer-Encoding: gzip, chunked\r\n", "2\r\nab\r\n0\r\n\r\n", .refuses(400)),
        .post("identity", "Transfer-Encoding: identity\r\nContent-Length: 2\r\n", "ab", .refuses(400)),
        .post("chunked and a blank", "Transfer-Encoding: chunked \r\n", "2\r\nab\r\n0\r\n\r\n", .refuses(400)),
        .post(
            "two encodings",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
            "0\r\n\r\n",
            .refuses(400)
        ),
        StrictCase(
            "chunked in HTTP/1.0",
            "POST /echo HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            .refuses(400)
        ),
        StrictCase(
            "GET with a body",
            "GET /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
            .answers(200)
        ),
        .post("Expect: foo", "Expect: foo\r\nContent-Length: 3\r\n", "abc", .refuses(417)),
    ]

    static let chunks: [StrictCase] = [
        .chunked("an extension", "2;a=\"x;y\"\r\nab\r\n0\r\n\r\n", .answers(200), holds: "ab"),
        .chunked("bare line feeds", "2\nab\n0\n\n", .answers(200), holds: "ab"),
        .chunked(
            "trailers",
            "2\r\nab\r\n0\r\nContent-Length: 9\r\nX-T: 1\r\n\r\n",
            .answers(200),
            holds: "chunked\nab"
        ),
        .chunked("no size", "zz\r\nab\r\n0\r\n\r\n", .libraryRefuses(400)),
        .chunked("size -1", "-1\r\nab\r\n0\r\n\r\n", .libraryRefuses(400)),
        .chunked("size 0x2", "0x2\r\nab\r\n0\r\n\r\n", .libraryRefuses(400)),
        .chunked("size and a blank", "2 \r\nab\r\n0\r\n\r\n", .libraryRefuses(400)),
        .chunked("no line end after the data", "2\r\nabXX0\r\n\r\n", .libraryRefuses(400)),
        .chunked("a size over 2^64", "10000000000000002\r\nab\r\n0\r\n\r\n", .libraryRefuses(413)),
        .chunked("an endless extension", "2;a=\(String(repeating: "x", count: 60_000))\r\n", .libraryRefuses(500)),
        .chunked(
            "endless trailers",
            "2\r\nab\r\n0\r\nX: \(String(repeating: "y", count: 60_000))\r\n\r\n",
            .libraryRefuses(431)
        ),
    ]

    static let fields: [StrictCase] = [
        .get("a header", "X: y\r\n", .answers(200), holds: "X=y\n"),
        .get("blanks around a value", "X: \t y \t\r\n", .answers(200), holds: "X=y\n"),
        .get("an empty value", "X:\r\nY: 1\r\n", .answers(200), holds: "X=\nY=1\n"),
        .get("UTF-8 in a value", "X: é\r\n", .answers(200), holds: "X=é\n"),
        .get("cookies", "Cookie: a=1; b=\"2\"; c\r\nX: y\r\n", .answers(200), holds: "X=y\n"),
        .get("two of a name", "X: 1\r\nx: 2\r\n", .answers(200), holds: "X=1\nx=2\n"),
        .get("an upgrade", "Connection: Upgrade\r\nUpgrade: websocket\r\n", .answers(200)),
        .get("h2c", "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n", .answers(200)),
        .get("carriage return in a value", "X: a\rb\r\n", .refuses(400)),
        .get("NUL in a value", "X: a\0b\r\n", .refuses(400)),
        .get("NUL at the end of the last value", "X: a\0\r\n", .refuses(400)),
        .get("controls in a value", "X: a\u{1}b\u{7f}\r\n", .refuses(400)),
        .get("obs-fold", "X: a\r\n b\r\nZ: 1\r\n", .refuses(400)),
        StrictCase("obs-fold in the first line", "GET /echo HTTP/1.1\r\n b: c\r\nHost: a\r\n\r\n", .refuses(400)),
        .post(
            "obs-fold that makes Transfer-Encoding",
            "Transfer: chunked\r\n -Encoding\r\nContent-Length: 2\r\n",
            "0\r\n\r\n",
            .refuses(400)
        ),
        .get("a blank before the colon", "X : y\r\n", .refuses(400)),
        .post("a blank before the length's colon", "Content-Length : 5\r\n", "abcde", .refuses(400)),
        .get("an empty name", ": y\r\n", .refuses(400)),
        .get("bad characters in a name", "X(Y): y\r\n", .refuses(400)),
        .get("no colon", "Xyz\r\n", .libraryRefuses(400)),
        .get("NUL in a name", "X\0Y: a\r\n", .libraryRefuses(400)),
        StrictCase("bare line feeds", "GET /echo HTTP/1.1\nHost: a\nX: y\n\n", .refuses(400)),
        StrictCase("one bare line feed", "GET /echo HTTP/1.1\r\nHost: a\nX: y\r\n\r\n", .refuses(400)),
        StrictCase("a bare line feed at the end", "GET /echo HTTP/1.1\r\nHost: a\r\n\n", .refuses(400)),
        .get("two Hosts", "Host: b\r\n", .refuses(400)),
        StrictCase("no Host", "GET /echo HTTP/1.1\r\n\r\n", .refuses(400)),
        StrictCase("an empty Host", "GET /echo HTTP/1.1\r\nHost:\r\n\r\n", .refuses(400)),
    ]

    static let lines: [StrictCase] = [
        .line("leading empty lines", "\r\n\r\n\r\nGET /echo HTTP/1.1", .answers(200)),
        .line("a query", "GET /echo?a=1&b=%20 HTTP/1.1", .answers(200), holds: "GET /echo?a=1&b=%20\n"),
        .line("an empty query", "GET /echo? HTTP/1.1", .answers(200), holds: "GET /echo?\n"),
        .line("a query that begins with ?", "GET /echo??a HTTP/1.1", .answers(200), holds: "GET /echo??a\n"),
        .line("a query of one letter", "GET /echo?a HTTP/1.1", .answers(200), holds: "GET /echo?a\n"),
        .line("%00 and %2F in a query", "GET /echo?x/%00%2F%2e HTTP/1.1", .answers(200), holds: "x/%00%2F%2e\n"),
        .line("an escaped letter in the path", "GET /%65cho HTTP/1.1", .answers(200), holds: "GET /%65cho?"),
        .line("bad escapes in a query", "GET /echo?%zz HTTP/1.1", .answers(400)),
        .line("half an escape in a query", "GET /echo?%e HTTP/1.1", .answers(400)),
        .line("a query that is not UTF-8", "GET /echo?%ff HTTP/1.1", .answers(400)),
        .line("bad escapes in the path", "GET /a/%zz HTTP/1.1", .answers(400)),
        .line("%00 in the path", "GET /a/%00 HTTP/1.1", .answers(400)),
        .line("a path that is not UTF-8", "GET /a/%ff HTTP/1.1", .answers(400)),
        .line("dots", "GET /a/../../echo HTTP/1.1", .answers(404)),
        .line("escaped dots", "GET /a/%2e%2e/echo HTTP/1.1", .answers(404)),
        .line("doubled blanks", "GET  /echo  HTTP/1.1", .refuses(400)),
        .line("tabs for blanks", "GET\t/echo\tHTTP/1.1", .closes),
        .line("a blank in the target", "GET /echo?a b HTTP/1.1", .refuses(400)),
        .line("a blank as the query's first", "GET /echo? a HTTP/1.1", .refuses(400)),
        .line("NUL in the target", "GET /echo\0x HTTP/1.1", .refuses(400)),
        .line("NUL in the query", "GET /echo?\0x HTTP/1.1", .refuses(400)),
        .line("UTF-8 in the path", "GET /é HTTP/1.1", .refuses(400)),
        .line("UTF-8 in the query", "GET /echo?é HTTP/1.1", .refuses(400)),
        .line("absolute form", "GET http://a/echo HTTP/1.1", .answers(400)),
        .line("OPTIONS *", "OPTIONS * HTTP/1.1", .answers(204)),
        .line("GET *", "GET * HTTP/1.1", .answers(400)),
        .line("no slash", "GET echo HTTP/1.1", .answers(400)),
        .line("an unknown method", "BREW /echo HTTP/1.1", .refuses(501)),
        .line("a method in lower case", "get /echo HTTP/1.1", .refuses(501)),
        .line("controls in the method", "G\u{1}(T /echo HTTP/1.1", .refuses(501)),
        .line("TRACE", "TRACE /echo HTTP/1.1", .answers(405)),
        .line("CONNECT", "CONNECT a:443 HTTP/1.1", .answers(400)),
        .line("HTTP/1.2", "GET /echo HTTP/1.2", .refuses(505)),
        .line("HTTP/2.0", "GET /echo HTTP/2.0", .libraryRefuses(505)),
        StrictCase("the preface of h2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", .libraryRefuses(505)),
        .line("http in lower case", "GET /echo http/1.1", .libraryRefuses(400)),
        .line("HTTP/1.1x", "GET /echo HTTP/1.1x", .libraryRefuses(400)),
        StrictCase("HTTP/0.9", "GET /echo\r\n\r\n", .libraryRefuses(400)),
        StrictCase("no blank", "AAAA\r\n\r\n", .closes),
        StrictCase(
            "a TLS hello",
            [0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3] + [UInt8](repeating: 0x20, count: 50) + Array("\r\n\r\n".utf8),
            .libraryRefuses(400)
        ),
    ]

    static let sizes: [StrictCase] = [
        .line("a target of 8,000", "GET /echo?\(String(repeating: "a", count: 8000)) HTTP/1.1", .answers(200)),
        .line("a target of 17,000", "GET /echo?\(String(repeating: "a", count: 17_000)) HTTP/1.1", .refuses(414)),
        .line(
            "a target of 100,000",
            "GET /echo?\(String(repeating: "a", count: 100_000)) HTTP/1.1",
            .libraryRefuses(414)
        ),
        .get("a header of 12,000", "X: \(String(repeating: "a", count: 12_000))\r\n", .answers(200)),
        .get("a header of 20,000", "X: \(String(repeating: "a", count: 20_000))\r\n", .refuses(431)),
        .get("a header of 60,000", "X: \(String(repeating: "a", count: 60_000))\r\n", .libraryRefuses(431)),
        .get("99 headers more", String(repeating: "X: y\r\n", count: 99), .answers(200)),
        .get("100 headers more", String(repeating: "X: y\r\n", count: 100), .refuses(431)),
        .get("2,000 headers", String(repeating: "X: y\r\n", count: 2000), .libraryRefuses(431)),
        .get("300 cookies", "Cookie: \(String(repeating: "a=1; ", count: 300))\r\n", .answers(200)),
        .get("1,500 cookies", "Cookie: \(String(repeating: "a=1; ", count: 1500))\r\n", .libraryRefuses(431)),
        .line(
            "500 arguments",
            "GET /echo?\((0..<500).map { "a=\($0)" }.joined(separator: "&")) HTTP/1.1",
            .answers(200),
            holds: "a=499\n"
        ),
    ]
}
