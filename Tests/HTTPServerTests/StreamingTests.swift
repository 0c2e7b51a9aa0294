import HTTPServer
import ServiceKit
import Testing

@Suite struct StreamingTests {
    private static let head = "POST /up HTTP/1.1\r\nHost: a\r\n"

    /// Reads everything and answers with its length, or what went wrong.
    private static func count(_ request: HTTPRequest) async -> HTTPResponse {
        guard let reader = request.reader else { return .text(500, "no reader") }
        var count = 0
        do throws(HTTPServerError) {
            while let piece = try await reader.next() { count += piece.count }
            return .text(200, "\(count)")
        } catch {
            return .text(500, "\(error.code)")
        }
    }

    @Test(.timeLimit(.minutes(10)), arguments: [0, 1, 20_000, 5_000_000], [true, false])
    func readsABodyPieceByPiece(_ count: Int, _ isChunked: Bool) async throws {
        let routes = [HTTPRoute(.post, "/up", body: .streamed(limit: 10_000_000), handler: Self.count)]
        try await withServer(routes) { _, port in
            let client = try RawClient(port: port)
            let body = [UInt8](repeating: 120, count: count)
            for _ in 0..<2 {
                if isChunked {
                    try await client.send(Self.head + "Transfer-Encoding: chunked\r\n\r\n")
                    if count > 0 {
                        try await client.send(Array("\(String(count, radix: 16))\r\n".utf8) + body + [13, 10])
                    }
                    try await client.send("0\r\n\r\n")
                } else {
                    try await client.send(Array((Self.head + "Content-Length: \(count)\r\n\r\n").utf8) + body)
                }
                #expect(try await client.readResponse()?.text == "\(count)")
            }
        }
    }

    @Test(.timeLimit(.minutes(10))) func makesAFastSenderWait() async throws {
        let size = 64_000_000
        let (started, goOn) = (Signal(), Signal())
        let route = HTTPRoute(.post, "/up", body: .streamed(limit: size)) { request in
            started.fire()
            try? await goOn.wait()
            return await Self.count(request)
        }
        try await withServer([route]) { server, port in
            let client = try RawClient(port: port)
            try await client.send(Self.head + "Content-Length: \(size)\r\n\r\n")
            let sent = Locked(0)
            let isStuck = Signal()
            let piece = [UInt8](repeating: 120, count: 1_000_000)
            async let sending: Void = {
                for _ in 0..<(size / piece.count) {
                    try await client.send(piece)
                    sent.withLock { $0 += 1 }
                }
            }()
            try await started.wait()
            // The system's buffers take a few megabytes; then nothing moves until somebody reads.
            async let watch: Void = RawClient.onThread {
                while RawClient.isWritable(client.descriptor, within: 300), sent.withLock({ $0 }) < 64 {}
                isStuck.fire()
            }
            try await isStuck.wait()
            #expect(sent.withLock { $0 } < 32)
            goOn.fire()
            _ = try await (sending, watch)
            #expect(try await client.readResponse()?.text == "\(size)")
        }
    }

    @Test(.timeLimit(.minutes(10))) func answersBeforeTheBodyWasRead() async throws {
        let route = HTTPRoute(.post, "/up", body: .streamed(limit: 10_000_000)) { request in
            // Swallowing what is left is the server's business.
            let first = try? await request.reader?.next()
            return .text(400, "enough after \(first?.isEmpty == false)")
        }
        try await withServer([route]) { _, port in
            let client = try RawClient(port: port)
            for _ in 0..<2 {
                let body = [UInt8](repeating: 120, count: 3_000_000)
                try await client.send(Array((Self.head + "Content-Length: 3000000\r\n\r\n").utf8) + body)
                let response = try await client.readResponse()
                #expect(response?.status == 400)
                #expect(response?.text == "enough after true")
            }
        }
    }

    @Test(.timeLimit(.minutes(10))) func cutsOffAStreamOverItsLimit() async throws {
        let result = Locked("")
        let over = Signal()
        let route = HTTPRoute(.post, "/up", body: .streamed(limit: 50_000)) { request in
            let response = await Self.count(request)
            if case .bytes(let bytes) = response.body {
                result.withLock { $0 = String(decoding: bytes, as: UTF8.self) }
            }
            over.fire()
            return response
        }
        try await withServer([route]) { _, port in
            let client = try RawClient(port: port)
            try await client.send(Self.head + "Content-Length: 50001\r\n\r\n")
            #expect(try await client.readResponse()?.status == 413)
            #expect(over.isFired == false)
            let chunked = try RawClient(port: port)
            try await chunked.send(Self.head + "Transfer-Encoding: chunked\r\n\r\n")
            for _ in 0..<4 { try await chunked.send("4000\r\n\(String(repeating: "x", count: 0x4000))\r\n") }
            #expect(try await chunked.readResponse()?.status == 413)
            #expect(try await chunked.readToEnd().end == .closed)
            try await over.wait()
            #expect(result.withLock { $0 } == "bodyTooLarge")
        }
    }

    @Test(.timeLimit(.minutes(10)), arguments: [true, false])
    func tellsABodyThatBrokeOffFromAWholeOne(_ isWaiting: Bool) async throws {
        let (started, left, over) = (Signal(), Signal(), Signal())
        let result = Locked("")
        let route = HTTPRoute(.post, "/up", body: .streamed(limit: 1_000_000)) { request in
            started.fire()
            if !isWaiting { try? await left.wait() }
            let response = await Self.count(request)
            if case .bytes(let bytes) = response.body {
                result.withLock { $0 = String(decoding: bytes, as: UTF8.self) }
            }
            over.fire()
            return response
        }
        try await withServer([route]) { _, port in
            let client = try RawClient(port: port)
            try await client.send(Self.head + "Content-Length: 1000\r\n\r\nabc")
            try await started.wait()
            client.leave()
            left.fire()
            try await over.wait()
            #expect(result.withLock { $0 } == "clientClosed")
        }
    }

    @Test(.timeLimit(.minutes(10))) func cancelsTheHandlerOfAClientThatLeft() async throws {
        let (started, cancelled) = (Signal(), Signal())
        let route = HTTPRoute(.get, "/wait") { _ in
            started.fire()
            do {
                try await Signal().wait()
            } catch {
                cancelled.fire()
            }
            return HTTPResponse(200)
        }
        try await withServer([route]) { server, port in
            let client = try RawClient(port: port)
            try await client.send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n")
            try await started.wait()
            client.leave()
            try await cancelled.wait()
        }
    }

    @Test(.timeLimit(.minutes(10))) func stopsReadingWhenOnlyTheReadIsCancelled() async throws {
        let cancelled = Signal()
        let route = HTTPRoute(.post, "/up", body: .streamed(limit: 1000)) { request in
            guard let reader = request.reader else { return HTTPResponse(500) }
            let read = Task { () -> HTTPServerError.Code? in
                do throws(HTTPServerError) {
                    while try await reader.next() != nil {}
                    return nil
                } catch {
                    return error.code
                }
            }
            read.cancel()
            let code = await read.value
            cancelled.fire()
            let rest = await Self.count(request)
            guard case .bytes(let bytes) = rest.body else { return HTTPResponse(500) }
            return .text(200, "\(code?.description ?? "whole") \(String(decoding: bytes, as: UTF8.self))")
        }
        try await withServer([route]) { _, port in
            let client = try RawClient(port: port)
            try await client.send(Self.head + "Content-Length: 3\r\n\r\n")
            try await cancelled.wait()
            try await client.send("abc")
            #expect(try await client.readResponse()?.text == "cancelled 3")
        }
    }

    @Test(.timeLimit(.minutes(10))) func makesAProducerWaitForASlowReader() async throws {
        let written = Locked(0)
        let isStuck = Signal()
        let piece = [UInt8](repeating: 120, count: 1_000_000)
        let route = HTTPRoute(.get, "/down") { _ in
            HTTPResponse(
                200,
                body: .stream(
                    HTTPStream { writer in
                        for _ in 0..<64 {
                            try await writer.write(piece)
                            written.withLock { $0 += 1 }
                        }
                    }
                )
            )
        }
        try await withServer([route]) { server, port in
            let client = try RawClient(port: port, receiveBuffer: 65_536)
            try await client.send("GET /down HTTP/1.1\r\nHost: a\r\n\r\n")
            _ = try await client.read(atLeast: 1)
            async let watch: Void = RawClient.onThread {
                // Nothing is taken, so the count stands still once the buffers are full.
                var last = -1
                while written.withLock({ $0 }) != last {
                    last = written.withLock { $0 }
                    RawClient.pause(milliseconds: 100)
                }
                isStuck.fire()
            }
            try await isStuck.wait()
            try await watch
            #expect(written.withLock { $0 } < 32)
            var count = 0
            while written.withLock({ $0 }) < 64 { count += try await client.read(atLeast: 100_000).count }
            #expect(count > 32_000_000)
        }
    }

    @Test(.timeLimit(.minutes(10))) func sendsEachPieceAtOnce() async throws {
        let next = Locked(Signal())
        let route = HTTPRoute(.get, "/events") { _ in
            HTTPResponse(
                200,
                body: .stream(
                    HTTPStream { writer in
                        for index in 0..<5 {
                            // Before the client can see the piece, and put another in its place.
                            let signal = next.withLock { $0 }
                            try await writer.write(Array("event \(index);".utf8))
                            try await signal.wait()
                        }
                    }
                )
            )
        }
        try await withServer([route]) { _, port in
            let client = try RawClient(port: port)
            try await client.send("GET /events HTTP/1.1\r\nHost: a\r\n\r\n")
            for index in 0..<5 {
                #expect(try await !client.read(through: "event \(index);").isEmpty)
                let signal = next.withLock { signal in
                    defer { signal = Signal() }
                    return signal
                }
                signal.fire()
            }
            #expect(try await client.read(through: "0\r\n\r\n").count == 5)
        }
    }

    @Test(.timeLimit(.minutes(10))) func breaksOffWhenTheProducerFails() async throws {
        struct Broken: Error {}
        let route = HTTPRoute(.get, "/broken") { _ in
            HTTPResponse(
                200,
                body: .stream(
                    HTTPStream { writer in
                        try await writer.write([97])
                        throw Broken()
                    }
                )
            )
        }
        try await withServer([route]) { _, port in
            let client = try RawClient(port: port)
            try await client.send("GET /broken HTTP/1.1\r\nHost: a\r\n\r\n")
            let response = try #require(try await client.readResponse())
            #expect(response.body == [97])
            #expect(!response.isWhole)
        }
    }

    @Test(.timeLimit(.minutes(10)), arguments: [true, false])
    func tellsTheProducerThatTheClientLeft(_ isIdle: Bool) async throws {
        let (started, over) = (Signal(), Signal())
        let code = Locked<HTTPServerError.Code?>(nil)
        let route = HTTPRoute(.get, "/down") { _ in
            HTTPResponse(
                200,
                body: .stream(
                    HTTPStream { writer in
                        do throws(HTTPServerError) {
                            try await writer.write([UInt8](repeating: 120, count: 100_000))
                            started.fire()
                            // Thrown when the client has left: the next write tells.
                            if isIdle { try? await Signal().wait() }
                            while true { try await writer.write([UInt8](repeating: 120, count: 100_000)) }
                        } catch {
                            code.withLock { $0 = error.code }
                            over.fire()
                        }
                    }
                )
            )
        }
        try await withServer([route]) { _, port in
            let client = try RawClient(port: port)
            try await client.send("GET /down HTTP/1.1\r\nHost: a\r\n\r\n")
            try await started.wait()
            client.leave()
            try await over.wait()
            #expect(code.withLock { $0 } == .clientClosed)
        }
    }

    @Test(.timeLimit(.minutes(10))) func readsAnUploadedForm() async throws {
        let route = HTTPRoute(.post, "/up", body: .streamed(limit: 10_000_000)) { request in
            do throws(HTTPServerError) {
                var form = try MultipartReader(request)
                var text = ""
                while let part = try await form.nextPart() {
                    var count = 0
                    while let piece = try await form.nextPiece() { count += piece.count }
                    text += "\(part.name) \(part.filename ?? "-") \(count);"
                }
                return .text(200, text)
            } catch {
                return .text(400, "\(error.code)")
            }
        }
        try await withServer([route]) { _, port in
            let client = try RawClient(port: port)
            let form = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a b\"\r\n\r\n"
            let body = Array(form.utf8) + [UInt8](repeating: 13, count: 1_000_000) + Array("\r\n--b--\r\n".utf8)
            let head = Self.head + "Content-Type: multipart/form-data; boundary=b\r\n"
            try await client.send(Array("\(head)Content-Length: \(body.count)\r\n\r\n".utf8) + body)
            #expect(try await client.readResponse()?.text == "file a b 1000000;")
            try await client.send(Array("\(head)Content-Length: \(body.count - 9)\r\n\r\n".utf8) + body.dropLast(9))
            #expect(try await client.readResponse()?.text == "malformedMultipart")
        }
    }
}
