import Foundation
import HTTPClient
import ServiceKit
import Testing

@Suite(.timeLimit(.minutes(10))) struct HTTPClientStreamTests {
    private let client: HTTPClient

    init() throws { self.client = try HTTPClient() }

    private static func chunk(_ text: String) -> String { "\(String(text.utf8.count, radix: 16))\r\n\(text)\r\n" }
    private static let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

    @Test func givesEachPieceBeforeTheNextIsSent() async throws {
        // The server sends a piece only when the one before was read.
        let next = Monitor(0)
        let server = try ScriptedServer { _, connection in
            connection.write(Self.chunked)
            for number in 1...3 {
                next.wait { $0 >= number ? true : nil }
                connection.write(Self.chunk("piece \(number)"))
            }
            next.wait { $0 >= 4 ? true : nil }
            connection.write("0\r\n\r\n")
            return true
        }
        let stream = try await self.client.stream(HTTPClientRequest("GET", server.url, timeout: nil))
        #expect(try await stream.head().status == 200)
        for number in 1...3 {
            next.withLock { $0 = number }
            next.signal()
            #expect(try await stream.next().map { String(decoding: $0, as: UTF8.self) } == "piece \(number)")
        }
        next.withLock { $0 = 4 }
        next.signal()
        #expect(try await stream.next() == nil)
        #expect(try await stream.next() == nil)
    }

    @Test func aSlowReaderLosesNothing() async throws {
        let expected = (0..<256).flatMap { [UInt8](repeating: UInt8($0), count: 16384) }
        let server = try ScriptedServer { _, connection in
            connection.write("HTTP/1.1 200 OK\r\nContent-Length: \(expected.count)\r\n\r\n")
            connection.write(expected)
            return true
        }
        let stream = try await self.client.stream(HTTPClientRequest("GET", server.url))
        var received: [UInt8] = []
        while let bytes = try await stream.next() {
            // No more than the pipe's room and one piece of libcurl's are held.
            #expect(bytes.count <= (256 << 10) + (64 << 10))
            received += bytes
        }
        #expect(received == expected)
    }

    @Test func lettingGoEndsTheRequest() async throws {
        let left = Signal()
        let server = try ScriptedServer { _, connection in
            connection.write(Self.chunked)
            connection.waitForEnd()
            left.fire()
            return false
        }
        do {
            let stream = try await self.client.stream(HTTPClientRequest("GET", server.url, timeout: nil))
            #expect(try await stream.head().isSuccess)
        }
        try await left.wait()
    }

    @Test func aCancelledReaderEndsTheRequest() async throws {
        let left = Signal()
        let server = try ScriptedServer { _, connection in
            connection.write(Self.chunked)
            connection.waitForEnd()
            left.fire()
            return false
        }
        let stream = try await self.client.stream(HTTPClientRequest("GET", server.url, timeout: nil))
        let task = Task { try await stream.next() }
        task.cancel()
        let error = await #expect(throws: HTTPClientError.self) { _ = try await task.value }
        #expect(error?.code == .cancelled)
        try await left.wait()
    }

    @Test func tellsThatTheBodyBroke() async throws {
        let server = try ScriptedServer { _, connection in
            connection.write(Self.chunked + Self.chunk("half"))
            return false
        }
        let stream = try await self.client.stream(HTTPClientRequest("GET", server.url))
        #expect(try await stream.next() == Array("half".utf8))
        let error = await #expect(throws: HTTPClientError.self) { try await stream.next() }
        #expect(error?.code == .connectionLost)
    }

    @Test func handsTheBodyOfASuccessToTheReceiverOnly() async throws {
        let server = try ScriptedServer { request, connection in
            connection.answer(request.line.contains("/good") ? "200 OK" : "503 Busy", "body")
            return true
        }
        let received = Locked("")
        let receive: @Sendable (UnsafeRawBufferPointer) -> Bool = { bytes in
            received.withLock { $0 += String(decoding: bytes, as: UTF8.self) }
            return true
        }
        let good = try await self.client.send(HTTPClientRequest("GET", server.url + "/good"), receive: receive)
        #expect(good.body.isEmpty)
        let bad = try await self.client.send(HTTPClientRequest("GET", server.url + "/bad"), receive: receive)
        #expect(bad.text == "body")
        #expect(received.withLock { $0 } == "body")
        let error = await #expect(throws: HTTPClientError.self) {
            try await self.client.send(HTTPClientRequest("GET", server.url + "/good")) { _ in false }
        }
        #expect(error?.code == .cancelled)
    }

    @Test func downloadsIntoAFile() async throws {
        let server = try ScriptedServer { _, connection in
            connection.answer("200 OK", String(repeating: "0123456789", count: 100_000))
            return true
        }
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("download-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: file) }  // A file left in the temporary directory harms nobody.
        let descriptor = open(file.path, O_WRONLY | O_CREAT, 0o600)
        defer { close(descriptor) }
        let response = try await self.client.download(HTTPClientRequest("GET", server.url), to: descriptor)
        #expect(response.isSuccess)
        #expect(try Data(contentsOf: file) == Data(String(repeating: "0123456789", count: 100_000).utf8))
        let full = open("/dev/full", O_WRONLY)
        defer { close(full) }
        let error = await #expect(throws: HTTPClientError.self) {
            try await self.client.download(HTTPClientRequest("GET", server.url), to: full)
        }
        #expect(error?.message.contains("No space left") == true)
    }

    @Test func buildsAFormWithFiles() async throws {
        let server = try ScriptedServer { request, connection in
            connection.answer(
                "200 OK",
                (request.header("Content-Type") ?? "") + "\n" + String(decoding: request.body, as: UTF8.self)
            )
            return true
        }
        var form = HTTPClientMultipart(boundary: "xyz")
        form.add("path", "a\"b")
        form.add("file\r\n", filename: "ä\".txt", contentType: "text/plain", .bytes(Array("hi".utf8)))
        var request = HTTPClientRequest("POST", server.url, headers: ["Content-Type": form.contentType])
        request.body = form.body
        let expected = """
            multipart/form-data; boundary=xyz
            --xyz\r
            Content-Disposition: form-data; name="path"\r
            \r
            a"b\r
            --xyz\r
            Content-Disposition: form-data; name="file%0D%0A"; filename="ä%22.txt"\r
            Content-Type: text/plain\r
            \r
            hi\r
            --xyz--\r

            """
        #expect(try await self.client.send(request).text == expected)
    }
}
