/// The head of one part of a form.
public struct MultipartPart: Sendable {
    /// The field's name.
    public let name: String
    /// As the client gave it, so to be distrusted; `nil` if the part is no file.
    public let filename: String?
    public let contentType: String?
    /// Names as sent.
    public let headers: [HTTPHeader]

    /// - Parameter head: The lines between the delimiter and the empty line, without the CRLF at both ends.
    init(head: ArraySlice<UInt8>) throws(HTTPServerError) {
        var headers: [HTTPHeader] = []
        var disposition: HeaderParameters?
        for line in Self.lines(of: head) {
            guard let colon = line.firstIndex(of: UInt8(ascii: ":")), colon > line.startIndex,
                line[..<colon].allSatisfy(HeaderParameters.isToken),
                line.allSatisfy({ $0 >= 32 || $0 == UInt8(ascii: "\t") }),
                let name = String(validating: line[..<colon], as: UTF8.self),
                let value = String(validating: Self.trimmed(line[(colon + 1)...]), as: UTF8.self)
            else { throw HTTPServerError(.malformedMultipart, "a part has a malformed header") }
            headers.append(HTTPHeader(name, value))
            guard name.lowercased() == "content-disposition" else { continue }
            guard disposition == nil, let parsed = HeaderParameters(value.utf8), parsed.value == "form-data" else {
                throw HTTPServerError(.malformedMultipart, "a part has a malformed Content-Disposition")
            }
            disposition = parsed
        }
        guard let disposition, let name = disposition.parameters["name"] else {
            throw HTTPServerError(.malformedMultipart, "a part has no name")
        }
        guard let filename = disposition.extended("filename") else {
            throw HTTPServerError(.malformedMultipart, "a part has a malformed filename*")
        }
        self.name = name
        self.filename = filename
        self.contentType = headers.first { $0.name.lowercased() == "content-type" }?.value
        self.headers = headers
    }

    private static func lines(of head: ArraySlice<UInt8>) -> [ArraySlice<UInt8>] {
        var lines: [ArraySlice<UInt8>] = []
        var rest = head
        while !rest.isEmpty {
            var end = rest.startIndex
            while end < rest.endIndex, !rest[end...].starts(with: [13, 10]) { end += 1 }
            lines.append(rest[..<end])
            rest = rest[min(end + 2, rest.endIndex)...]
        }
        return lines
    }

    private static func trimmed(_ text: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var text = text.drop { $0 == 32 || $0 == 9 }
        while let last = text.last, last == 32 || last == 9 { text.removeLast() }
        return text
    }
}
