/// Reads a form with files, piece by piece. For one task at a time.
///
/// ```swift
/// var form = try MultipartReader(request)
/// while let part = try await form.nextPart() {
///     while let piece = try await form.nextPiece() { … }
/// }
/// ```
public struct MultipartReader: Sendable {
    private let body: HTTPBodyReader
    private var parser: MultipartParser
    private var isInPart = false
    private var hasFailed = false

    /// - Parameters:
    ///   - contentType: The request's `Content-Type`.
    ///   - maxHead: Bytes of a part's head. Defaults to 16,384.
    ///   - maxParts: Defaults to 1000.
    /// - Throws: ``HTTPServerError`` with `.malformedMultipart` if that is no form, or names no proper boundary.
    public init(
        contentType: String?,
        body: HTTPBodyReader,
        maxHead: Int = 16_384,
        maxParts: Int = 1000
    ) throws(HTTPServerError) {
        guard let parsed = HeaderParameters((contentType ?? "").utf8), parsed.value == "multipart/form-data" else {
            throw HTTPServerError(.malformedMultipart, "the content type is not multipart/form-data")
        }
        let boundary = Array((parsed.parameters["boundary"] ?? "").utf8)
        guard (1...70).contains(boundary.count), boundary.last != 32, boundary.allSatisfy(Self.isBoundary) else {
            throw HTTPServerError(.malformedMultipart, "the content type has no proper boundary")
        }
        self.body = body
        self.parser = MultipartParser(boundary: boundary, maxHead: maxHead, maxParts: maxParts)
    }

    /// - Throws: As above, also if the request's body is not streamed.
    public init(_ request: HTTPRequest, maxHead: Int = 16_384, maxParts: Int = 1000) throws(HTTPServerError) {
        guard let body = request.reader else {
            throw HTTPServerError(.malformedMultipart, "the route does not stream its body")
        }
        try self.init(
            contentType: request.header("Content-Type"),
            body: body,
            maxHead: maxHead,
            maxParts: maxParts
        )
    }

    /// The next part; `nil` after the last. What was not read of the one before is skipped.
    ///
    /// - Throws: ``HTTPServerError``: `.malformedMultipart` (a body that ends too early too), `.limitExceeded`, and what
    ///   the body's reader throws.
    public mutating func nextPart() async throws(HTTPServerError) -> MultipartPart? {
        while self.isInPart { _ = try await self.nextPiece() }
        guard case .began(let part) = try await self.nextEvent() else {
            // The rest is read, so that the client may finish sending.
            while try await self.body.next() != nil {}
            return nil
        }
        self.isInPart = true
        return part
    }

    /// The next bytes of the part, never empty; `nil` at its end.
    public mutating func nextPiece() async throws(HTTPServerError) -> [UInt8]? {
        guard self.isInPart else { return nil }
        if case .data(let bytes) = try await self.nextEvent() { return bytes }
        self.isInPart = false
        return nil
    }

    /// The next event; `nil` after the last delimiter.
    private mutating func nextEvent() async throws(HTTPServerError) -> MultipartParser.Event? {
        guard !self.hasFailed else { throw HTTPServerError(.malformedMultipart, "the form was malformed before") }
        do throws(HTTPServerError) {
            while true {
                if let event = try self.parser.next() { return event }
                if self.parser.isDone { return nil }
                guard let piece = try await self.body.next() else {
                    throw HTTPServerError(.malformedMultipart, "the form ends before its last boundary")
                }
                self.parser.feed(piece)
            }
        } catch {
            self.hasFailed = true
            throw error
        }
    }

    /// RFC 2046.
    private static func isBoundary(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"):
            true
        default: "'()+_,-./:=? ".utf8.contains(byte)
        }
    }
}
