import Glibc
import HTTPServer
import ServiceKit
import Testing

@Suite struct FileResponseTests {
    /// A file of `count` bytes that has no name any more.
    private static func open(_ count: Int) throws -> Int32 {
        var template = Array("/tmp/http-file-XXXXXX".utf8CString)
        let descriptor = mkstemp(&template)
        try #require(descriptor >= 0)
        unlink(template)
        let bytes = Self.content(count)
        try #require(write(descriptor, bytes, count) == count)
        return descriptor
    }

    private static func content(_ count: Int) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: $0 % 251) } }

    /// What is open under that number; `nil` if nothing is. Tests that run beside this one take up numbers again.
    private static func file(_ descriptor: Int32) -> UInt? {
        var status = stat()
        return fstat(descriptor, &status) == 0 ? UInt(status.st_ino) : nil
    }

    @Test(.timeLimit(.minutes(10))) func sendsTheWantedRange() async throws {
        let count = 300_000
        let route = HTTPRoute.immediate(.get, "/file") { request in
            guard let descriptor = try? Self.open(count) else { return HTTPResponse(500) }
            let range = HTTPByteRange(header: request.header("Range"), length: count)
            guard case .part(let part) = range else {
                return HTTPResponse(200, body: .file(HTTPFile(owning: descriptor, length: count)))
            }
            let file = HTTPFile(owning: descriptor, offset: part.lowerBound, length: part.count)
            let header = HTTPHeader("Content-Range", range.contentRange(length: count) ?? "")
            return HTTPResponse(206, headers: [header], body: .file(file))
        }
        try await withServer([route]) { _, port in
            let client = try RawClient(port: port)
            try await client.send("GET /file HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(try await client.readResponse()?.body == Self.content(count))
            try await client.send("GET /file HTTP/1.1\r\nHost: a\r\nRange: bytes=1000-250999\r\n\r\n")
            let part = try #require(try await client.readResponse())
            #expect(part.status == 206)
            #expect(part.header("content-range") == "bytes 1000-250999/300000")
            #expect(part.body == Array(Self.content(count)[1000..<251_000]))
            try await client.send("HEAD /file HTTP/1.1\r\nHost: a\r\n\r\nHEAD /file HTTP/1.1\r\nHost: a\r\n\r\n")
            for _ in 0..<2 {
                #expect(try await client.readResponse(isHead: true)?.header("content-length") == "300000")
            }
        }
    }

    @Test func closesWhatWasNeverSent() throws {
        let descriptor = try Self.open(10)
        let file = Self.file(descriptor)
        do { _ = HTTPFile(owning: descriptor, length: 10) }
        #expect(Self.file(descriptor) != file)
    }

    @Test(.timeLimit(.minutes(10))) func closesTheFileWhenTheClientLeavesMidway() async throws {
        let count = 32_000_000
        let descriptor = try Self.open(0)
        try #require(ftruncate(descriptor, count) == 0)
        let file = Self.file(descriptor)
        let over = Signal()
        let route = HTTPRoute(.get, "/file") { _ in
            HTTPResponse(200, body: .file(HTTPFile(owning: descriptor, length: count)))
        }
        try await withServer([route], observe: { if !$0.isComplete { over.fire() } }) { server, port in
            let client = try RawClient(port: port)
            try await client.send("GET /file HTTP/1.1\r\nHost: a\r\n\r\n")
            _ = try await client.read(atLeast: 100_000)
            client.leave()
            try await over.wait()
            await server.stop(grace: .zero)
            #expect(Self.file(descriptor) != file)
        }
    }

    @Test(.timeLimit(.minutes(10))) func refusesToSendAFileTwice() async throws {
        let file = HTTPFile(owning: try Self.open(5), length: 5)
        let route = HTTPRoute(.get, "/file") { _ in HTTPResponse(200, body: .file(file)) }
        try await withServer([route]) { _, port in
            let client = try RawClient(port: port)
            for status in [200, 500] {
                try await client.send("GET /file HTTP/1.1\r\nHost: a\r\n\r\n")
                #expect(try await client.readResponse()?.status == status)
            }
        }
    }
}
