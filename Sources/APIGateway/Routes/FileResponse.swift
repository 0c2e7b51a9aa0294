import HTTPServer
import SandboxRuntime

/// Answers a download by the rules of RFC 9110: validators, conditions, ranges.
enum FileResponse {
    /// - Throws: ``APIError``: 416, or 503 without a free descriptor.
    static func make(
        _ request: HTTPRequest,
        name: String,
        file: any WorkspaceContent
    ) async throws -> HTTPResponse {
        let tag = "\"\(file.entityTag)\""
        let modified = HTTPDate.text(milliseconds: file.modifiedMilliseconds)
        let validators = [HTTPHeader("ETag", tag), HTTPHeader("Last-Modified", modified)]
        if self.isKnown(request, tag: tag, modified: modified) { return HTTPResponse(304, headers: validators) }
        let headers =
            validators + [
                HTTPHeader("Accept-Ranges", "bytes"),
                HTTPHeader("Content-Disposition", FileDocuments.disposition(name)),
            ]
        let length = Int(file.size)
        let range = HTTPByteRange(header: self.range(request, tag: tag, modified: modified), length: length)
        switch range {
        case .whole: return try await self.answer(200, name, file, 0..<length, headers)
        case .part(let bytes):
            let place = HTTPHeader("Content-Range", range.contentRange(length: length) ?? "")
            return try await self.answer(206, name, file, bytes, headers + [place])
        case .unsatisfiable:
            var response = APIError(416, "range_not_satisfiable", "the file has \(length) bytes").response
            response.headers.append(HTTPHeader("Content-Range", range.contentRange(length: length) ?? ""))
            return response
        }
    }

    private static func answer(
        _ status: Int,
        _ name: String,
        _ file: any WorkspaceContent,
        _ bytes: Range<Int>,
        _ headers: [HTTPHeader]
    ) async throws -> HTTPResponse {
        let body: HTTPResponse.Body
        switch try await file.source(bytes) {
        case .descriptor(let descriptor):
            body = .file(HTTPFile(owning: descriptor, offset: bytes.lowerBound, length: bytes.count))
        case .pieces(let next):
            body = .stream(
                HTTPStream(length: bytes.count) { writer in
                    while let piece = try await next() { try await writer.write(piece) }
                }
            )
        }
        return HTTPResponse(status, contentType: FileDocuments.contentType(name), headers: headers, body: body)
    }

    /// Whether the client says that it has just this.
    private static func isKnown(_ request: HTTPRequest, tag: String, modified: String) -> Bool {
        let tags = request.headerValues("If-None-Match")
        guard tags.isEmpty else {
            return tags.joined(separator: ",").split(separator: ",").contains { candidate in
                let text = candidate.drop { $0 == " " || $0 == "\t" }
                let strong = text.hasPrefix("W/") ? text.dropFirst(2) : text
                let end = strong.lastIndex { $0 != " " && $0 != "\t" }
                return text.hasPrefix("*") || end.map { strong[...$0] == tag[...] } == true
            }
        }
        return request.header("If-Modified-Since") == modified
    }

    /// The range that is asked for, unless the client has another version of the file.
    private static func range(_ request: HTTPRequest, tag: String, modified: String) -> String? {
        if let condition = request.header("If-Range"), condition != tag, condition != modified { return nil }
        return request.header("Range")
    }
}
