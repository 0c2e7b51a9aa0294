import Glibc

/// A request's head in one block of bytes, read on demand: most of it is never looked at.
///
/// The layout is that of the library after parsing: `METHOD 0 target 0 version 0 .` and then, for each field,
/// `name 0 [blanks] value 0 .`, where `.` is any byte.
final class RequestHead: Sendable {
    let bytes: [UInt8]
    let method: HTTPMethod
    let target: Range<Int>
    /// The path part of `target`.
    let path: Range<Int>
    /// The first header line.
    let fields: Int
    /// `nil`: chunked.
    let contentLength: Int?
    let id: String
    /// The route that was found, `nil` if none was.
    let match: RouteMatch?

    init(
        bytes: [UInt8],
        method: HTTPMethod,
        target: Range<Int>,
        path: Range<Int>,
        fields: Int,
        contentLength: Int?,
        id: String,
        match: RouteMatch?
    ) {
        self.bytes = bytes
        self.method = method
        self.target = target
        self.path = path
        self.fields = fields
        self.contentLength = contentLength
        self.id = id
        self.match = match
    }

    func text(_ range: Range<Int>) -> String { String(decoding: self.bytes[range], as: UTF8.self) }

    /// The query without its `?`; empty if there is none.
    var query: Range<Int> { min(self.path.upperBound + 1, self.target.upperBound)..<self.target.upperBound }

    /// Calls `body` with each field, in order, until it returns false.
    func forEachField(_ body: (_ name: Range<Int>, _ value: Range<Int>) -> Bool) {
        self.bytes.withUnsafeBufferPointer { bytes in
            var at = self.fields
            while at < bytes.count, bytes[at] != 0, bytes[at] != UInt8(ascii: "\r") {
                let name = at..<Self.terminator(in: bytes, from: at)
                var start = name.upperBound + 1
                while start < bytes.count, Self.isBlank(bytes[start]) { start += 1 }
                let lineEnd = Self.terminator(in: bytes, from: start)
                var end = lineEnd
                while end > start, Self.isBlank(bytes[end - 1]) { end -= 1 }
                guard body(name, start..<end) else { return }
                at = lineEnd + 2
            }
        }
    }

    /// The values of one header, in order. Names are compared without regard to case.
    func values(of name: String) -> [Range<Int>] {
        var found: [Range<Int>] = []
        self.forEachField { field, value in
            if self.isSame(field, name) { found.append(value) }
            return true
        }
        return found
    }

    func firstValue(of name: String) -> Range<Int>? {
        var found: Range<Int>?
        self.forEachField { field, value in
            guard self.isSame(field, name) else { return true }
            found = value
            return false
        }
        return found
    }

    private func isSame(_ field: Range<Int>, _ name: String) -> Bool {
        guard field.count == name.utf8.count else { return false }
        return zip(self.bytes[field], name.utf8).allSatisfy { Self.lowercased($0) == Self.lowercased($1) }
    }

    private static func lowercased(_ byte: UInt8) -> UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }

    private static func terminator(in bytes: UnsafeBufferPointer<UInt8>, from start: Int) -> Int {
        guard let base = bytes.baseAddress, start < bytes.count,
            let found = memchr(base + start, 0, bytes.count - start)
        else { return bytes.count }
        return UnsafeRawPointer(base).distance(to: found)
    }
}

extension RequestHead {
    /// A head that no connection brought.
    convenience init(method: HTTPMethod, target: String, headers: [HTTPHeader], contentLength: Int, match: RouteMatch?)
    {
        var bytes = Array(method.rawValue.utf8) + [0]
        let start = bytes.count
        bytes += Array(target.utf8)
        let end = bytes.count
        let path = start..<(bytes[start...].firstIndex(of: UInt8(ascii: "?")) ?? end)
        bytes += [0] + Array("HTTP/1.1".utf8) + [0, 0]
        let fields = bytes.count
        for header in headers { bytes += Array(header.name.utf8) + [0] + Array(header.value.utf8) + [0, 0] }
        self.init(
            bytes: bytes,
            method: method,
            target: start..<end,
            path: path,
            fields: fields,
            contentLength: contentLength,
            id: headers.first { $0.name.lowercased() == "x-request-id" }?.value ?? "-",
            match: match
        )
    }

    func matched(_ match: RouteMatch) -> RequestHead {
        RequestHead(
            bytes: self.bytes,
            method: self.method,
            target: self.target,
            path: self.path,
            fields: self.fields,
            contentLength: self.contentLength,
            id: self.id,
            match: match
        )
    }
}
