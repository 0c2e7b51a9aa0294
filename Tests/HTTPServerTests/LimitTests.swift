import HTTPServer
import ServiceKit
import Testing

/// What slow and idle clients may do, and for how long. Each test waits for the server to end it.
@Suite struct LimitTests {
    private static let routes: [HTTPRoute] = [
        .immediate(.get, "/now", describe),
        HTTPRoute(.post, "/buffered", body: .buffered(limit: 1000)) { describe($0) },
        HTTPRoute(.post, "/streamed", body: .streamed(limit: 1000)) { request in
            do throws(HTTPServerError) {
                while try await request.reader?.next() != nil {}
                return .text(200, "whole")
            } catch {
                return .text(500, "\(error.code)")
            }
        },
        .immediate(.get, "/large") { _ in
            HTTPResponse(200, body: .bytes([UInt8](repeating: 120, count: 32_000_000)))
        },
        .immediate(.get, "/endless") { _ in
            HTTPResponse(
                200,
                body: .stream(
                    HTTPStream { writer in
                        while true { try await writer.write([UInt8](repeating: 120, count: 1_000_000)) }
                    }
                )
            )
        },
    ]

    private static let long = Duration.seconds(100)

    private func isClosed(
        _ configuration: HTTPServerConfiguration,
        after bytes: String,
        dribbling drop: String? = nil,
        answers: Int = 0
    ) async throws -> Duration {
        try await withServer(Self.routes, configuration: configuration) { _, port in
            let start = ContinuousClock.now
            let client = try RawClient(port: port)
            try await client.send(bytes)
            for _ in 0..<answers { #expect(try await client.readResponse()?.status == 200) }
            if let drop {
                // A byte at a time keeps an idle timeout away, and must not keep a deadline away.
                async let end = client.readToEnd()
                while try await client.send(drop) {
                    if try await RawClient.isClosed(client.descriptor, within: 50) { break }
                }
                #expect(try await end.end == .closed)
            } else {
                #expect(try await client.readToEnd().end == .closed)
            }
            return ContinuousClock.now - start
        }
    }

    @Test(
        .timeLimit(.minutes(10)),
        arguments: [("", nil), ("GET /now HTTP/1.1\r\nHost: a\r\nX: ", "y")] as [(String, String?)]
    )
    func endsAHeadThatDoesNotCome(_ bytes: String, _ drop: String?) async throws {
        let configuration = try HTTPServerConfiguration(
            port: 0,
            headerTimeout: .milliseconds(300),
            bodyTimeout: Self.long,
            keepAliveTimeout: Self.long,
            stallTimeout: Self.long
        )
        #expect(try await self.isClosed(configuration, after: bytes, dribbling: drop) >= .milliseconds(300))
    }

    @Test(.timeLimit(.minutes(10)), arguments: ["/buffered", "/streamed", "/nothing"], [nil, "x"] as [String?])
    func endsABodyThatDoesNotCome(_ path: String, _ drop: String?) async throws {
        let configuration = try HTTPServerConfiguration(
            port: 0,
            headerTimeout: Self.long,
            bodyTimeout: .milliseconds(300),
            keepAliveTimeout: Self.long,
            stallTimeout: Self.long
        )
        let head = "POST \(path) HTTP/1.1\r\nHost: a\r\nContent-Length: 999\r\n\r\n"
        #expect(try await self.isClosed(configuration, after: head, dribbling: drop) >= .milliseconds(300))
    }

    @Test(.timeLimit(.minutes(10))) func endsAConnectionWithoutANextRequest() async throws {
        let configuration = try HTTPServerConfiguration(
            port: 0,
            headerTimeout: Self.long,
            bodyTimeout: Self.long,
            keepAliveTimeout: .milliseconds(300),
            stallTimeout: Self.long
        )
        let request = "GET /now HTTP/1.1\r\nHost: a\r\n\r\n"
        #expect(try await self.isClosed(configuration, after: request, answers: 1) >= .milliseconds(300))
    }

    @Test(.timeLimit(.minutes(10)), arguments: ["/large", "/endless"])
    func endsAnAnswerThatIsNotTaken(_ path: String) async throws {
        let configuration = try HTTPServerConfiguration(
            port: 0,
            headerTimeout: Self.long,
            bodyTimeout: Self.long,
            keepAliveTimeout: Self.long,
            stallTimeout: .milliseconds(300),
            minimumDownloadRate: 1_000_000_000
        )
        let over = Signal()
        try await withServer(Self.routes, configuration: configuration, observe: { if !$0.isComplete { over.fire() } })
        {
            _,
            port in
            let client = try RawClient(port: port, receiveBuffer: 4096)
            try await client.send("GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n")
            try await over.wait()
            #expect(try await client.readToEnd().end == .closed)
        }
    }

    @Test(.timeLimit(.minutes(10))) func waitsForAHandlerLongerThanForAClient() async throws {
        let goOn = Signal()
        let route = HTTPRoute(.post, "/wait", body: .buffered(limit: 10)) { _ in
            try? await goOn.wait()
            return .text(200, "done")
        }
        let configuration = try HTTPServerConfiguration(
            port: 0,
            headerTimeout: .seconds(2),
            bodyTimeout: .seconds(2),
            keepAliveTimeout: .seconds(2),
            stallTimeout: .seconds(2)
        )
        try await withServer([route] + Self.routes, configuration: configuration) { _, port in
            let waiting = try RawClient(port: port)
            try await waiting.send("POST /wait HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx")
            // This one's end shows that the sweeper has been around after all deadlines.
            #expect(try await RawClient(port: port).readToEnd().end == .closed)
            goOn.fire()
            #expect(try await waiting.readResponse()?.text == "done")
        }
    }

    @Test(.timeLimit(.minutes(10))) func letsTheNextClientWaitAtTheLimit() async throws {
        let configuration = try HTTPServerConfiguration.patient(threads: 1, connectionLimit: 2)
        try await withServer(Self.routes, configuration: configuration) { _, port in
            let request = "GET /now HTTP/1.1\r\nHost: a\r\n\r\n"
            let clients = [try RawClient(port: port), try RawClient(port: port)]
            for client in clients {
                try await client.send(request)
                #expect(try await client.readResponse()?.status == 200)
            }
            let next = try RawClient(port: port)
            try await next.send(request)
            clients[0].leave()
            #expect(try await next.readResponse()?.status == 200)
        }
    }

    struct BadSetting: Sendable, CustomTestStringConvertible {
        let key: String
        let make: @Sendable () throws -> HTTPServerConfiguration
        var testDescription: String { self.key }

        init(_ key: String, _ make: @escaping @Sendable () throws -> HTTPServerConfiguration) {
            self.key = key
            self.make = make
        }
    }

    static let badSettings: [BadSetting] = [
        BadSetting("host") { try HTTPServerConfiguration(host: "example.org") },
        BadSetting("host") { try HTTPServerConfiguration(host: "1.2.3") },
        BadSetting("host") { try HTTPServerConfiguration(host: "1.2.3.256") },
        BadSetting("host") { try HTTPServerConfiguration(host: "01.2.3.4") },
        BadSetting("threads") { try HTTPServerConfiguration(threads: 0) },
        BadSetting("connectionLimit") { try HTTPServerConfiguration(connectionLimit: 0) },
        BadSetting("connectionLimit") { try HTTPServerConfiguration(threads: 4, connectionLimit: 3) },
        BadSetting("headerTimeout") { try HTTPServerConfiguration(headerTimeout: .zero) },
        BadSetting("bodyTimeout") { try HTTPServerConfiguration(bodyTimeout: .seconds(-1)) },
        BadSetting("keepAliveTimeout") { try HTTPServerConfiguration(keepAliveTimeout: .seconds(86_401)) },
        BadSetting("stallTimeout") { try HTTPServerConfiguration(stallTimeout: .zero) },
        BadSetting("minimumDownloadRate") { try HTTPServerConfiguration(minimumDownloadRate: 0) },
        BadSetting("connectionMemory") { try HTTPServerConfiguration(connectionMemory: 100) },
        BadSetting("headLimit") { try HTTPServerConfiguration(connectionMemory: 16_384) },
        BadSetting("maxHeaders") { try HTTPServerConfiguration(maxHeaders: 0) },
    ]

    @Test(arguments: Self.badSettings) func refusesSettingsOutOfRange(_ setting: BadSetting) {
        #expect {
            try setting.make()
        } throws: {
            let error = $0 as? HTTPServerError
            return error?.code == .invalidConfiguration && error?.message.hasPrefix("\(setting.key) must be") == true
        }
    }
}
