import HTTPServer
import ServiceKit
import Testing

@Suite struct MultipartReaderTests {
    /// What a form came to: `name|filename|data` per part.
    private static func read(
        _ body: [UInt8],
        pieces: Int,
        contentType: String = "multipart/form-data; boundary=XX",
        maxHead: Int = 16_384,
        maxParts: Int = 1000
    ) async throws -> [String] {
        let at = Locked(0)
        let source = HTTPBodyReader { () throws(HTTPServerError) -> [UInt8]? in
            at.withLock { at in
                let end = min(at + pieces, body.count)
                defer { at = end }
                return at == end ? nil : Array(body[at..<end])
            }
        }
        var form = try MultipartReader(contentType: contentType, body: source, maxHead: maxHead, maxParts: maxParts)
        var parts: [String] = []
        while let part = try await form.nextPart() {
            var data: [UInt8] = []
            while let piece = try await form.nextPiece() {
                #expect(!piece.isEmpty)
                data += piece
            }
            parts.append("\(part.name)|\(part.filename ?? "-")|\(String(decoding: data, as: UTF8.self))")
        }
        return parts
    }

    private static func code(_ body: String, contentType: String = "multipart/form-data; boundary=XX") async
        -> HTTPServerError.Code?
    {
        do {
            _ = try await self.read(Array(body.utf8), pieces: 7, contentType: contentType, maxHead: 100, maxParts: 3)
            return nil
        } catch {
            return (error as? HTTPServerError)?.code
        }
    }

    private static func part(_ disposition: String, _ data: String = "d") -> String {
        "--XX\r\nContent-Disposition: \(disposition)\r\n\r\n\(data)\r\n"
    }

    @Test func readsTheSameHoweverTheBodyIsCut() async throws {
        let body = """
            preamble\r
            --XX\r
            Content-Disposition: form-data; name="a"\r
            \r
            one\r
            --XX  \r
            content-disposition: form-data; name="f"; filename="x.bin"\r
            Content-Type: application/octet-stream\r
            \r
            \r
            --X\r\n--\r\r\n-\r\n
            \r
            --XX\r
            Content-Disposition: form-data; name="empty"\r
            \r
            \r
            --XX--\r
            epilogue --XX
            """
        let bytes = Array(body.utf8)
        let expected = ["a|-|one", "f|x.bin|\r\n--X\r\n--\r\r\n-\r\n\n", "empty|-|"]
        for pieces in 1...bytes.count {
            #expect(try await Self.read(bytes, pieces: pieces) == expected, "pieces of \(pieces)")
        }
    }

    @Test(arguments: [
        (#"form-data; name="f""#, "f|-"), (#"form-data;name=f"#, "f|-"), (#"FORM-DATA; Name="f";"#, "f|-"),
        (#"form-data; name="a\"b\\c""#, #"a"b\c|-"#), (#"form-data; name="f"; filename="C:\dir\x""#, #"f|C:\dir\x"#),
        (#"form-data; name="é"; filename="ü.txt""#, "é|ü.txt"), (#"form-data; name="f"; filename="""#, "f|"),
        (#"form-data; name="f"; filename="a"; filename*=UTF-8''%e2%82%ac%20b"#, "f|€ b"),
        (#"form-data; filename*=iso-8859-1'en'%e9; name=f"#, "f|é"), (#"form-data; name="a;b=c""#, "a;b=c|-"),
    ])
    func readsDispositions(_ disposition: String, _ expected: String) async throws {
        let body = Array((Self.part(disposition) + "--XX--").utf8)
        #expect(try await Self.read(body, pieces: 100) == ["\(expected)|d"])
    }

    @Test(arguments: [
        "form-data", "form-data; name", "form-data; name=", #"form-data; name="f"#, #"form-data; name="a"; name="b""#,
        #"attachment; name="f""#, #"form-data; name="f"; filename*=latin''x"#,
        #"form-data; name="f"; filename*=UTF-8''%zz"#,
        #"form-data; name="f" x"#, #"form-data; name="f"\#r\#nContent-Disposition: form-data; name="g""#,
    ])
    func refusesMalformedDispositions(_ disposition: String) async {
        #expect(await Self.code(Self.part(disposition) + "--XX--") == .malformedMultipart)
    }

    @Test(arguments: [
        "", "x", "--XX", "--XX\r\n", "--XX\r\n\r\n", "--XX\r\nContent-Disposition: form-data; name=f\r\n\r\ndata",
        "--XX\r\nContent-Disposition: form-data; name=f\r\n\r\ndata\r\n--XX", "--XX\r\n\r\ndata\r\n--XX--",
        "--XX\r\nNo colon\r\n\r\nd\r\n--XX--", "--XX\r\nContent-Disposition : form-data; name=f\r\n\r\nd\r\n--XX--",
        "--XXY\r\nContent-Disposition: form-data; name=f\r\n\r\nd\r\n--XX--",
        "--XX\r\nContent-Disposition: form-data; name=f\r\n\r\nd\r\n--XXY\r\n--XX--",
    ])
    func refusesWhatIsNoForm(_ body: String) async { #expect(await Self.code(body) == .malformedMultipart) }

    @Test func boundsHeadsAndParts() async {
        let part = Self.part("form-data; name=f")
        #expect(await Self.code(part + part + part + "--XX--") == nil)
        #expect(await Self.code(part + part + part + part + "--XX--") == .limitExceeded)
        #expect(await Self.code("--XX\r\nX: \(String(repeating: "y", count: 200))") == .limitExceeded)
        #expect(await Self.code(String(repeating: "y", count: 200) + part + "--XX--") == .malformedMultipart)
    }

    @Test(arguments: [
        nil, "", "text/plain", "multipart/mixed; boundary=XX", "multipart/form-data", "multipart/form-data; boundary=",
        "multipart/form-data; boundary=\"a \"", "multipart/form-data; boundary=a\u{e9}",
        "multipart/form-data; boundary=\(String(repeating: "a", count: 71))",
    ])
    func refusesContentTypesWithoutABoundary(_ contentType: String?) {
        #expect {
            try MultipartReader(contentType: contentType, body: HTTPBodyReader { () throws(HTTPServerError) in nil })
        } throws: {
            ($0 as? HTTPServerError)?.code == .malformedMultipart
        }
    }

    @Test(arguments: [
        "multipart/form-data; boundary=XX", "Multipart/Form-Data; charset=utf-8; Boundary=\"XX\"",
        "multipart/form-data;boundary=XX; charset=x",
    ])
    func findsTheBoundary(_ contentType: String) async throws {
        let body = Array((Self.part("form-data; name=f") + "--XX--").utf8)
        #expect(try await Self.read(body, pieces: 10, contentType: contentType) == ["f|-|d"])
    }

    @Test func skipsWhatIsNotRead() async throws {
        let body = Array((Self.part("form-data; name=a") + Self.part("form-data; name=b") + "--XX--").utf8)
        let sent = Locked(false)
        var form = try MultipartReader(
            contentType: "multipart/form-data; boundary=XX",
            body: HTTPBodyReader { () throws(HTTPServerError) in
                sent.withLock { sent in
                    defer { sent = true }
                    return sent ? nil : body
                }
            }
        )
        #expect(try await form.nextPart()?.name == "a")
        #expect(try await form.nextPart()?.name == "b")
        #expect(try await form.nextPart() == nil)
        #expect(try await form.nextPiece() == nil)
    }
}
