/// The methods that a request may have; any other is answered with 501.
public enum HTTPMethod: String, Sendable, CaseIterable, Hashable {
    case get = "GET"
    case head = "HEAD"
    case post = "POST"
    case put = "PUT"
    case delete = "DELETE"
    case patch = "PATCH"
    case options = "OPTIONS"
    /// Known, so that it is answered with 405; no route can have it.
    case trace = "TRACE"
    /// Known, so that it is answered with 405; no route can have it.
    case connect = "CONNECT"

    init?(_ bytes: UnsafeBufferPointer<UInt8>) {
        switch (bytes.count, bytes.first) {
        case (3, UInt8(ascii: "G")): self = .get
        case (3, _): self = .put
        case (4, UInt8(ascii: "H")): self = .head
        case (4, _): self = .post
        case (5, UInt8(ascii: "P")): self = .patch
        case (5, _): self = .trace
        case (6, _): self = .delete
        case (7, UInt8(ascii: "O")): self = .options
        case (7, _): self = .connect
        default: return nil
        }
        // The first letter chose the only candidate.
        guard self.rawValue.utf8.elementsEqual(bytes) else { return nil }
    }
}
