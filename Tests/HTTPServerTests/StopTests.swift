import HTTPServer
import ServiceKit
import Testing

@Suite struct StopTests {
    private static let wait = "GET /wait HTTP/1.1\r\nHost: a\r\n\r\n"

    private static func server(
        _ routes: [HTTPRoute],
        port: UInt16 = 0,
        threads: Int = 2,
        onDrain: (@Sendable () -> Void)? = nil
    ) throws -> HTTPServer {
        HTTPServer(
            configuration: try .patient(port: port, threads: threads),
            router: try HTTPRouter(routes),
            onDrain: onDrain
        )
    }

    @Test(.timeLimit(.minutes(10)), arguments: [1, 2]) func letsParkedRequestsEnd(_ threads: Int) async throws {
        let (started, draining) = (Signal(), Signal())
        // Answers only because the server is being stopped.
        let route = HTTPRoute(.get, "/wait") { _ in
            started.fire()
            try? await draining.wait()
            return .text(200, "done")
        }
        let server = try Self.server([route], threads: threads, onDrain: { draining.fire() })
        let port = try server.start()
        let client = try RawClient(port: port)
        let idle = try RawClient(port: port)
        try await client.send(Self.wait)
        try await started.wait()
        let start = ContinuousClock.now
        async let stopped: Void = server.stop(grace: .seconds(50))
        let response = try #require(try await client.readResponse())
        #expect(response.text == "done")
        #expect(response.header("connection") == "close")
        #expect(try await client.readToEnd().end == .closed)
        #expect(try await idle.readToEnd().end == .closed)
        await stopped
        #expect(ContinuousClock.now - start < .seconds(40))
        #expect(server.activeRequests == 0)
        #expect(server.connections == 0)
        #expect(throws: RawClient.Failure.self) { try RawClient(port: port) }
    }

    @Test(.timeLimit(.minutes(10)), arguments: [1, 2]) func closesWhoComesDuringADrain(_ threads: Int) async throws {
        let (started, draining, release) = (Signal(), Signal(), Signal())
        let route = HTTPRoute(.get, "/wait") { _ in
            started.fire()
            // Thrown only when it is cut off: then nobody reads the answer.
            try? await release.wait()
            return .text(200, "done")
        }
        let server = try Self.server([route], threads: threads, onDrain: { draining.fire() })
        let port = try server.start()
        let client = try RawClient(port: port)
        try await client.send(Self.wait)
        try await started.wait()
        async let stopped: Void = server.stop(grace: .seconds(50))
        try await draining.wait()
        let late = try await RawClient(port: port).readToEnd()
        #expect(late.end == .closed && late.bytes.isEmpty)
        release.fire()
        #expect(try await client.readResponse()?.text == "done")
        await stopped
    }

    @Test(.timeLimit(.minutes(10)), arguments: [1, 2]) func cutsOffWhatDoesNotEnd(_ threads: Int) async throws {
        let started = [Signal(), Signal(), Signal(), Signal()]
        let cancelled = Signal()
        let routes = [
            HTTPRoute(.get, "/wait") { _ in
                started[0].fire()
                do {
                    try await Signal().wait()
                } catch {
                    cancelled.fire()
                }
                return .text(200, "too late")
            },
            HTTPRoute(.get, "/down") { _ in
                HTTPResponse(
                    200,
                    body: .stream(
                        HTTPStream { writer in
                            while true {
                                try await writer.write([UInt8](repeating: 120, count: 1_000_000))
                                started[1].fire()
                            }
                        }
                    )
                )
            },
            HTTPRoute(.post, "/up", body: .streamed(limit: 1000)) { request in
                started[2].fire()
                // Thrown when the server cuts the client off.
                while let piece = try? await request.reader?.next() { _ = piece }
                return HTTPResponse(200)
            },
            HTTPRoute(.post, "/full", body: .streamed(limit: 1_000_000)) { _ in
                started[3].fire()
                try? await Signal().wait()
                return HTTPResponse(200)
            },
        ]
        let server = try Self.server(routes, threads: threads)
        let port = try server.start()
        let clients = try (0..<6).map { _ in try RawClient(port: port) }
        try await clients[0].send(Self.wait)
        try await clients[1].send("GET /down HTTP/1.1\r\nHost: a\r\n\r\n")
        try await clients[2].send("POST /up HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc")
        try await clients[3].send("POST /full HTTP/1.1\r\nHost: a\r\nContent-Length: 500000\r\n\r\n")
        try await clients[3].send([UInt8](repeating: 120, count: 400_000))
        try await clients[4].send("GET /half HTTP/1.1\r\nHost")
        for signal in started { try await signal.wait() }
        await server.stop(grace: .milliseconds(100))
        try await cancelled.wait()
        for client in clients { #expect(try await client.readToEnd().end == .closed) }
        #expect(server.activeRequests == 0)
        #expect(server.connections == 0)
    }

    @Test(.timeLimit(.minutes(10))) func endsEndlessStreamsAsIfComplete() async throws {
        let route = HTTPRoute(.get, "/events") { _ in
            HTTPResponse(
                200,
                body: .stream(
                    HTTPStream(isEndless: true) { writer in
                        try await writer.write(Array("hello".utf8))
                        try await Signal().wait()
                    }
                )
            )
        }
        let server = try Self.server([route])
        let client = try RawClient(port: try server.start())
        try await client.send("GET /events HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(try await !client.read(through: "hello").isEmpty)
        async let stopped: Void = server.stop(grace: .seconds(50))
        let (rest, end) = try await client.readToEnd()
        #expect(Array(rest.suffix(5)) == Array("0\r\n\r\n".utf8))
        #expect(end == .closed)
        await stopped
    }

    @Test(.timeLimit(.minutes(10))) func startsAndStopsManyTimes() async throws {
        let route = HTTPRoute(.get, "/wait") { _ in .text(200, "done") }
        for index in 0..<100 {
            let server = try Self.server([route], threads: index % 3 + 1)
            let client = try RawClient(port: try server.start())
            try await client.send(Self.wait)
            // Every other time the request is wherever it happens to be.
            if index.isMultiple(of: 2) { #expect(try await client.readResponse()?.text == "done") }
            await server.stop(grace: index.isMultiple(of: 4) ? .zero : .seconds(10))
            #expect(server.connections == 0)
        }
    }

    @Test func tellsABusyPort() async throws {
        let first = try Self.server([])
        let port = try first.start()
        let second = try Self.server([], port: port)
        #expect { try second.start() } throws: { ($0 as? HTTPServerError)?.code == .addressInUse }
        await first.stop(grace: .zero)
        // A port that was given up can be had at once.
        #expect(try second.start() == port)
        await second.stop(grace: .zero)
    }

    @Test func tellsWhyItCannotStart() async throws {
        let elsewhere = HTTPServer(
            configuration: try HTTPServerConfiguration(host: "192.0.2.1", port: 0),
            router: try HTTPRouter([])
        )
        #expect { try elsewhere.start() } throws: { ($0 as? HTTPServerError)?.code == .cannotListen }
        let greedy = HTTPServer(
            configuration: try HTTPServerConfiguration(port: 0, connectionLimit: 1_000_000),
            router: try HTTPRouter([])
        )
        #expect { try greedy.start() } throws: { ($0 as? HTTPServerError)?.code == .descriptorLimit }
    }

    @Test(.timeLimit(.minutes(10))) func startsOnceAndStopsAnyNumberOfTimes() async throws {
        let server = try Self.server([])
        try server.start()
        #expect { try server.start() } throws: { ($0 as? HTTPServerError)?.code == .alreadyStarted }
        async let first: Void = server.stop(grace: .seconds(1))
        async let second: Void = server.stop(grace: .seconds(1))
        _ = await (first, second)
        #expect(server.port == nil)
        #expect { try server.start() } throws: { ($0 as? HTTPServerError)?.code == .alreadyStarted }
        let unused = try Self.server([])
        await unused.stop(grace: .zero)
    }

    @Test(.timeLimit(.minutes(10))) func drainsWithItsGroup() async throws {
        let (started, finish) = (Signal(), Signal())
        let draining = Signal()
        let route = HTTPRoute(.get, "/wait") { _ in
            started.fire()
            try? await finish.wait()
            return .text(200, "done")
        }
        let server = try Self.server([route], onDrain: { draining.fire() })
        let port = try server.start()
        let group = ServiceGroup([HTTPService(server)], drainTimeout: .seconds(30), logger: .disabled)
        async let ended: Void = group.run()
        let client = try RawClient(port: port)
        try await client.send(Self.wait)
        try await started.wait()
        group.shutDown()
        try await draining.wait()
        finish.fire()
        #expect(try await client.readResponse()?.text == "done")
        try await ended
    }
}
