/// A body of `multipart/form-data`, whose files are read while they are sent.
public struct HTTPClientMultipart: Sendable {
    /// Goes into the `Content-Type` line.
    public let boundary: String
    private var parts: [HTTPClientRequest.Segment] = []

    /// - Parameter boundary: Must not occur in any content. Defaults to 32 random digits.
    public init(boundary: String? = nil) {
        self.boundary =
            boundary ?? (0..<4).map { _ in String(UInt32.random(in: 0x1000_0000...UInt32.max), radix: 16) }.joined()
    }

    /// Adds a text field.
    public mutating func add(_ name: String, _ value: String) {
        self.append("Content-Disposition: form-data; name=\"\(Self.quoted(name))\"\r\n\r\n", .bytes(Array(value.utf8)))
    }

    /// Adds a file.
    ///
    /// - Parameter contentType: Defaults to `application/octet-stream`.
    public mutating func add(
        _ name: String,
        filename: String,
        contentType: String = "application/octet-stream",
        _ content: HTTPClientRequest.Segment
    ) {
        let disposition = "form-data; name=\"\(Self.quoted(name))\"; filename=\"\(Self.quoted(filename))\""
        self.append("Content-Disposition: \(disposition)\r\nContent-Type: \(contentType)\r\n\r\n", content)
    }

    public var contentType: String { "multipart/form-data; boundary=\(self.boundary)" }

    public var body: [HTTPClientRequest.Segment] { self.parts + [.bytes(Array("--\(self.boundary)--\r\n".utf8))] }

    private mutating func append(_ head: String, _ content: HTTPClientRequest.Segment) {
        self.parts.append(.bytes(Array("--\(self.boundary)\r\n\(head)".utf8)))
        self.parts.append(content)
        self.parts.append(.bytes([13, 10]))
    }

    /// As browsers write a name: nothing in it can end the line or the quotes.
    private static func quoted(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "%22"
            case "\r": result += "%0D"
            case "\n": result += "%0A"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
