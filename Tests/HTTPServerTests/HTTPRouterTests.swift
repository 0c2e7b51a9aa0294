import HTTPServer
import Testing

@Suite struct HTTPRouterTests {
    struct Row: Sendable, CustomTestStringConvertible {
        let method: HTTPMethod
        let target: String
        let answer: String
        var testDescription: String { "\(self.method.rawValue) \(self.target)" }

        init(_ method: HTTPMethod, _ target: String, _ answer: String) {
            self.method = method
            self.target = target
            self.answer = answer
        }
    }

    /// Answers with the pattern, then each parameter decoded and raw.
    private static func route(_ method: HTTPMethod, _ pattern: String) -> HTTPRoute {
        .immediate(method, pattern) { request in
            var text = "\(method.rawValue) \(request.routePattern)"
            for name in ["id", "other", "path"] {
                guard let value = request.parameters[name] else { continue }
                text += " \(name)=\(value)|\(request.parameters.raw(name) ?? "")"
            }
            return .text(200, text)
        }
    }

    private static let patterns: [(HTTPMethod, String)] = [
        (.get, "/"), (.get, "/s"), (.post, "/s"), (.get, "/s/{id}"), (.delete, "/s/{id}"), (.get, "/s/special"),
        (.post, "/s/special/run"), (.post, "/s/{id}/stop"), (.get, "/s/{id}/files"), (.get, "/s/{id}/files/{path...}"),
        (.get, "/s/{id}/files/{other}/meta"), (.get, "/e/s/{id}/e"), (.get, "/e/{id}/status"), (.options, "/own"),
        (.head, "/own"), (.get, "/own"),
    ]

    private static func router(redirects: Bool = false) throws -> HTTPRouter {
        try HTTPRouter(
            self.patterns.map { self.route($0.0, $0.1) },
            redirectsTrailingSlash: redirects,
            errorBody: { status, code, _ in Array("\(status) \(code)".utf8) }
        )
    }

    private static func text(_ response: HTTPResponse) -> String {
        guard case .bytes(let bytes) = response.body else { return "" }
        let fields = response.headers.map { " \($0.name)=\($0.value)" }.joined()
        return bytes.isEmpty ? "\(response.status)\(fields)" : String(decoding: bytes, as: UTF8.self) + fields
    }

    @Test(arguments: Self.rows) func findsTheRoute(_ row: Row) async throws {
        let response = try await Self.router().respond(to: HTTPRequest(row.method, row.target))
        #expect(Self.text(response) == row.answer)
    }

    static let rows: [Row] = [
        Row(.get, "/", "GET /"),
        Row(.get, "/s", "GET /s"),
        Row(.get, "/s?x=/a/b", "GET /s"),
        Row(.post, "/s", "POST /s"),
        Row(.get, "/%73", "GET /s"),
        Row(.get, "/s/1", "GET /s/{id} id=1|1"),
        Row(.get, "/s/a%20b+c", "GET /s/{id} id=a b+c|a%20b+c"),
        Row(.get, "/s/%C3%A9", "GET /s/{id} id=é|%C3%A9"),
        Row(.get, "/s/special", "GET /s/special"),
        Row(.get, "/s/special/files", "GET /s/{id}/files id=special|special"),
        Row(.post, "/s/special/stop", "POST /s/{id}/stop id=special|special"),
        Row(.get, "/e/s/7/e", "GET /e/s/{id}/e id=7|7"),
        Row(.get, "/e/s/status", "GET /e/{id}/status id=s|s"),
        Row(.get, "/s/1/files/a/b.txt", "GET /s/{id}/files/{path...} id=1|1 path=a/b.txt|a/b.txt"),
        Row(.get, "/s/1/files/a%2Fb", "GET /s/{id}/files/{path...} id=1|1 path=a/b|a%2Fb"),
        Row(.get, "/s/1/files/..%2F../x", "GET /s/{id}/files/{path...} id=1|1 path=../../x|..%2F../x"),
        Row(.get, "/s/1/files//etc", "GET /s/{id}/files/{path...} id=1|1 path=/etc|/etc"),
        Row(.get, "/s/1/files/", "GET /s/{id}/files/{path...} id=1|1 path=|"),
        Row(.get, "/s/1/files/a/meta", "GET /s/{id}/files/{other}/meta id=1|1 other=a|a"),
        Row(.get, "/s/1/files/a/b/meta", "GET /s/{id}/files/{path...} id=1|1 path=a/b/meta|a/b/meta"),
        Row(.head, "/s/1", "GET /s/{id} id=1|1"),
        Row(.head, "/own", "HEAD /own"),
        Row(.options, "/own", "OPTIONS /own"),
        Row(.options, "/s", "204 Allow=GET, POST, HEAD, OPTIONS"),
        Row(.options, "/s/1/stop", "204 Allow=POST, OPTIONS"),
        Row(.options, "*", "204 Allow=GET, HEAD, POST, PUT, DELETE, PATCH, OPTIONS"),
        Row(.put, "/s", "405 method_not_allowed Allow=GET, POST, HEAD, OPTIONS"),
        Row(.trace, "/s", "405 method_not_allowed Allow=GET, POST, HEAD, OPTIONS"),
        Row(.get, "/s/a%2Fb", "404 not_found"),
        Row(.get, "/s/", "404 not_found"),
        Row(.get, "//s", "404 not_found"),
        Row(.get, "/S", "404 not_found"),
        Row(.get, "/nothing", "404 not_found"),
        Row(.options, "/nothing", "404 not_found"),
        Row(.get, "/s/%zz", "400 bad_request"),
        Row(.get, "/s/%0", "400 bad_request"),
        Row(.get, "/s/a%00", "400 bad_request"),
        Row(.get, "/s/1/files/%00", "400 bad_request"),
        Row(.get, "/s/%ff", "400 bad_request"),
        Row(.get, "/s/%c0%af", "400 bad_request"),
        Row(.get, "/s?a=%ff", "400 bad_request"),
        Row(.get, "s", "400 bad_request"),
        Row(.get, "*", "400 bad_request"),
    ]

    @Test(
        arguments: [
            ("/s/", "/s"), ("/s/?a=%20", "/s?a=%20"), ("/nothing/", nil), ("//", "/"), ("/s//", nil),
            ("//e/s/7/e/", nil),
        ] as [(String, String?)]
    )
    func redirectsASlashTooMany(_ target: String, _ location: String?) async throws {
        let response = try await Self.router(redirects: true).respond(to: HTTPRequest(.get, target))
        #expect(response.status == (location == nil ? 404 : 307))
        #expect(response.headers.first { $0.name == "Location" }?.value == location)
    }

    @Test(arguments: [
        ["s"], [""], ["/a//b"], ["/a/{}"], ["/a/{x}/{x}"], ["/{x...}/a"], ["/a%20"], ["/{x"], ["/a", "/a"],
        ["/a/{x}", "/a/{y}"], ["/a/{x...}", "/a/{y...}"],
    ])
    func refusesPatternsThatAreNone(_ patterns: [String]) {
        #expect {
            try HTTPRouter(patterns.map { HTTPRoute(.get, $0) { _ in HTTPResponse(200) } })
        } throws: {
            ($0 as? HTTPServerError)?.code == .invalidRoute
        }
    }

    @Test func listsItsRoutesAsDeclared() throws {
        let routes = try Self.router().routes
        #expect(routes.map(\.pattern) == Self.patterns.map(\.1))
        #expect(routes.map(\.method) == Self.patterns.map(\.0))
        #expect(routes[10].parameterNames == ["id", "other"])
    }

    @Test func admitsBeforeTheBodyAndLimitsIt() async throws {
        let router = try HTTPRouter([
            HTTPRoute(
                .post,
                "/a",
                body: .buffered(limit: 3),
                admit: { $0.header("x-key") == nil ? HTTPResponse(401) : nil },
                immediate: { $0.bytes == [1] ? HTTPResponse(201) : nil }
            ) { _ in HTTPResponse(202) }
        ])
        func status(_ headers: [HTTPHeader], _ body: [UInt8]) async -> Int {
            await router.respond(to: HTTPRequest(.post, "/a", headers: headers, body: .buffered(body))).status
        }
        #expect(await status([], [1, 2, 3, 4]) == 401)
        #expect(await status([HTTPHeader("X-Key", "")], [1, 2, 3, 4]) == 413)
        #expect(await status([HTTPHeader("X-Key", "")], [1]) == 201)
        #expect(await status([HTTPHeader("X-Key", "")], [1, 2, 3]) == 202)
    }
}
