import Foundation
import HTTPClient
import ServiceKit
import Testing

@Suite(.timeLimit(.minutes(10))) struct HTTPClientTests {
    private let client: HTTPClient

    init() throws { self.client = try HTTPClient() }

    @Test func returnsStatusHeadersAndBody() async throws {
        let server = try ScriptedServer { request, connection in
            connection.answer("404 Not Found", "{\"no\":1}", headers: "X-One: a\r\nx-one:  b \r\nEmpty:\r\n")
            return true
        }
        let response = try await self.client.send(HTTPClientRequest("GET", "\(server.url)/a?b=c"))
        #expect(response.status == 404)
        #expect(response.text == "{\"no\":1}")
        #expect(response.headers["X-ONE"] == "a")
        #expect(response.headers.lines.filter { $0.name.lowercased() == "x-one" }.map(\.value) == ["a", "b"])
        #expect(response.headers["empty"] == "")
    }

    @Test(arguments: ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"])
    func sendsTheMethodAsItIs(_ method: String) async throws {
        let seen = Locked("")
        let server = try ScriptedServer { request, connection in
            seen.withLock { $0 = request.line }
            connection.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            return true
        }
        _ = try await self.client.send(HTTPClientRequest(method, "\(server.url)/x"))
        #expect(seen.withLock { $0 } == "\(method) /x HTTP/1.1")
    }

    @Test(arguments: [0, 1, 100, 3_000_000])
    func sendsABodyFromMemory(_ size: Int) async throws {
        let server = try ScriptedServer { request, connection in
            let type = request.header("Content-Type") ?? "none"
            connection.answer("200 OK", "\(request.body.count) \(type) \(request.body.allSatisfy { $0 == 7 })")
            return true
        }
        let body = [UInt8](repeating: 7, count: size)
        let plain = try await self.client.send(HTTPClientRequest("POST", server.url, body: [.bytes(body)]))
        #expect(plain.text == "\(size) none true")
        let json = try await self.client.send(.json("PUT", server.url, body))
        #expect(json.text == "\(size) application/json true")
    }

    @Test func sendsABodyFromAFileBetweenBytes() async throws {
        let server = try ScriptedServer { request, connection in
            connection.answer("200 OK", String(decoding: request.body, as: UTF8.self))
            return true
        }
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("upload-\(UUID().uuidString)")
        try Data("0123456789".utf8).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }  // A file left in the temporary directory harms nobody.
        let descriptor = open(file.path, O_RDONLY)
        defer { close(descriptor) }
        var request = HTTPClientRequest("POST", server.url)
        request.body = [.bytes([65]), .file(descriptor: descriptor, offset: 2, count: 5), .bytes([66])]
        #expect(try await self.client.send(request).text == "A23456B")
        // The file is not as long as promised: no half body is ever taken for a whole one.
        request.body = [.file(descriptor: descriptor, offset: 8, count: 5)]
        let error = await #expect(throws: HTTPClientError.self) { try await self.client.send(request) }
        #expect(error?.code == .other || error?.code == .badRequest)
    }

    @Test func keepsAConnectionForTheNextRequest() async throws {
        let server = try ScriptedServer { request, connection in
            connection.answer("200 OK", "\(request.connection).\(request.number)")
            return true
        }
        var texts: [String] = []
        for _ in 0..<3 { texts.append(try await self.client.send(HTTPClientRequest("GET", server.url)).text) }
        #expect(texts == ["1.1", "1.2", "1.3"])
    }

    @Test func triesAgainWhereAKeptConnectionWasDead() async throws {
        let server = try ScriptedServer { request, connection in
            connection.answer("200 OK", "\(request.connection)")
            return false
        }
        #expect(try await self.client.send(HTTPClientRequest("GET", server.url)).text == "1")
        #expect(try await self.client.send(HTTPClientRequest("GET", server.url)).text == "2")
    }

    @Test func speaksOverAUnixSocket() async throws {
        let path = NSTemporaryDirectory() + "/http-\(UUID().uuidString.prefix(8)).sock"
        defer { unlink(path) }
        let server = try ScriptedServer(path: path) { request, connection in
            connection.answer("200 OK", request.header("Host") ?? "")
            return true
        }
        let request = HTTPClientRequest("GET", "http://engine/_ping", unixSocketPath: path)
        #expect(try await self.client.send(request).text == "engine")
        withExtendedLifetime(server) {}
    }

    @Test func tellsThatNobodyListens() async throws {
        // A port that was free a moment ago, and a socket that never was.
        let port = try ScriptedServer { _, _ in false }.port
        let requests = [
            HTTPClientRequest("GET", "http://127.0.0.1:\(port)/"),
            HTTPClientRequest("GET", "http://x/", unixSocketPath: "/nonexistent/socket"),
        ]
        for request in requests {
            let error = await #expect(throws: HTTPClientError.self) { try await self.client.send(request) }
            #expect(error?.code == .couldNotConnect)
            #expect(error?.isRetriable == true)
        }
    }

    @Test func tellsThatTheTimeRanOut() async throws {
        let server = try ScriptedServer { _, connection in
            connection.waitForEnd()
            return false
        }
        let request = HTTPClientRequest("GET", server.url, timeout: .milliseconds(20))
        let error = await #expect(throws: HTTPClientError.self) { try await self.client.send(request) }
        #expect(error?.code == .timedOut)
    }

    @Test(arguments: [("POST", 1), ("PATCH", 1), ("PUT", 2), ("GET", 2)])
    func repeatsOnlyWhatMayComeTwice(_ method: String, _ times: Int) async throws {
        let seen = Locked(0)
        let server = try ScriptedServer { request, connection in
            if !request.line.contains("/last") {
                connection.answer("200 OK", "kept")
                return true
            }
            // The first is read and lost: the server dies, and is there again.
            let isFirst = seen.withLock { seen in
                seen += 1
                return seen == 1
            }
            if !isFirst { connection.answer("200 OK", "again") }
            return !isFirst
        }
        _ = try await self.client.send(HTTPClientRequest("GET", server.url))
        let body: [HTTPClientRequest.Segment]? = method == "GET" ? nil : [.bytes([1])]
        let answer = try? await self.client.send(HTTPClientRequest(method, server.url + "/last", body: body))
        #expect(answer?.text == (times == 1 ? nil : "again"))
        #expect(seen.withLock { $0 } == times)
    }

    @Test func tellsThatTheConnectionBroke() async throws {
        let server = try ScriptedServer { request, connection in
            if request.line.contains("/half") { connection.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf") }
            return false
        }
        for path in ["/none", "/half"] {
            let request = HTTPClientRequest("GET", server.url + path)
            let error = await #expect(throws: HTTPClientError.self) { try await self.client.send(request) }
            #expect(error?.code == .connectionLost, "\(path)")
        }
    }

    @Test func refusesAnAnswerThatIsTooLarge() async throws {
        let server = try ScriptedServer { _, connection in
            connection.answer("200 OK", String(repeating: "x", count: 1001))
            return true
        }
        var request = HTTPClientRequest("GET", server.url, maxBodySize: 1000)
        let error = await #expect(throws: HTTPClientError.self) { try await self.client.send(request) }
        #expect(error?.code == .tooLarge)
        request.maxBodySize = 1001
        #expect(try await self.client.send(request).body.count == 1001)
    }

    @Test func aCancelledTaskEndsTheRequestAtOnce() async throws {
        let (arrived, left) = (Signal(), Signal())
        let server = try ScriptedServer { _, connection in
            arrived.fire()
            connection.waitForEnd()
            left.fire()
            return false
        }
        let task = Task { try await self.client.send(HTTPClientRequest("GET", server.url, timeout: nil)) }
        try await arrived.wait()
        task.cancel()
        let error = await #expect(throws: HTTPClientError.self) { try await task.value }
        #expect(error?.code == .cancelled)
        try await left.wait()
    }

    @Test func aTaskCancelledBeforehandSendsNothingForLong() async throws {
        let server = try ScriptedServer { _, connection in
            connection.waitForEnd()
            return false
        }
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return try await self.client.send(HTTPClientRequest("GET", server.url, timeout: nil))
        }
        let error = await #expect(throws: HTTPClientError.self) { try await task.value }
        #expect(error?.code == .cancelled)
    }

    @Test func closingCancelsWhatRunsAndRefusesTheRest() async throws {
        let arrived = Signal()
        let server = try ScriptedServer { _, connection in
            arrived.fire()
            connection.waitForEnd()
            return false
        }
        let answer = Task { try await self.client.send(HTTPClientRequest("GET", server.url, timeout: nil)) }
        try await arrived.wait()
        self.client.close()
        let running = await #expect(throws: HTTPClientError.self) { try await answer.value }
        #expect(running?.code == .closed)
        let later = await #expect(throws: HTTPClientError.self) {
            try await self.client.send(HTTPClientRequest("GET", server.url))
        }
        #expect(later?.code == .closed)
    }

    @Test(arguments: ["http://127.0.0.1/\r\nX: y", "gopher://127.0.0.1/", "not a url", ""])
    func refusesABadURL(_ url: String) async throws {
        let error = await #expect(throws: HTTPClientError.self) {
            try await self.client.send(HTTPClientRequest("GET", url))
        }
        #expect(error?.code == .badRequest)
    }

    @Test func refusesAHeaderThatWouldBecomeTwo() async throws {
        let request = HTTPClientRequest("GET", "http://127.0.0.1:1/", headers: ["X": "a\r\nY: b"])
        let error = await #expect(throws: HTTPClientError.self) { try await self.client.send(request) }
        #expect(error?.code == .badRequest)
    }

    @Test func followsRedirectsOnlyWhenAsked() async throws {
        let server = try ScriptedServer { request, connection in
            if request.line.contains("/old") {
                connection.answer("302 Found", "moved", headers: "Location: /new\r\nX-Old: 1\r\n")
            } else {
                connection.answer("200 OK", "new")
            }
            return true
        }
        var request = HTTPClientRequest("GET", server.url + "/old")
        #expect(try await self.client.send(request).status == 302)
        request.followsRedirects = true
        let response = try await self.client.send(request)
        #expect(response.text == "new")
        #expect(response.headers["X-Old"] == nil)
    }

    @Test func runsManyRequestsAtOnce() async throws {
        let server = try ScriptedServer { request, connection in
            connection.answer("200 OK", request.line)
            return true
        }
        try await withThrowingTaskGroup(of: Bool.self) { tasks in
            for number in 0..<500 {
                tasks.addTask {
                    try await self.client.send(HTTPClientRequest("GET", "\(server.url)/\(number)")).text
                        == "GET /\(number) HTTP/1.1"
                }
            }
            for try await isRight in tasks { #expect(isRight) }
        }
        // 64 at a time; one that had nothing to do for a moment may have been closed and made anew.
        #expect(server.connectionCount < 128)
    }
}
