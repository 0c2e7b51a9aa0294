import Coordination

/// An answer of Redis, copied out of hiredis' memory.
enum RedisValue: Sendable, Hashable {
    case null
    case integer(Int64)
    case bytes([UInt8])
    /// `OK` and the like.
    case status(String)
    case error(String)
    case array([RedisValue])
}

extension RedisValue {
    /// - Throws: `unexpectedReply` for anything but an array of `count`.
    func array(count: Int) throws(CoordinationError) -> [RedisValue] {
        guard case .array(let values) = self, values.count == count else { throw self.unexpected("\(count) values") }
        return values
    }

    func integer() throws(CoordinationError) -> Int64 {
        guard case .integer(let value) = self else { throw self.unexpected("an integer") }
        return value
    }

    /// - Returns: `nil` for the null value.
    func bytes() throws(CoordinationError) -> [UInt8]? {
        switch self {
        case .null: return nil
        case .bytes(let bytes): return bytes
        default: throw self.unexpected("bytes")
        }
    }

    /// Names the kind alone: values are nobody's business.
    func unexpected(_ wanted: String) -> CoordinationError {
        let kind =
            switch self {
            case .null: "null"
            case .integer: "an integer"
            case .bytes: "bytes"
            case .status: "a status"
            case .error(let text): "the error \(text)"
            case .array(let values): "an array of \(values.count)"
            }
        return CoordinationError(.unexpectedReply, "Redis answered with \(kind) where \(wanted) should be")
    }
}

extension CoordinationError {
    /// Translates an error reply: its first word says what it is.
    init(reply text: String) {
        let code: Code =
            switch text.prefix(while: { $0 != " " }) {
            // It passes: the server loads its data, runs a long script, has no memory or disk, follows another one.
            case "LOADING", "BUSY", "OOM", "MISCONF", "READONLY", "MASTERDOWN", "NOREPLICAS", "TRYAGAIN",
                "CLUSTERDOWN":
                .unavailable
            case "WRONGTYPE": .unexpectedReply
            default: .refused
            }
        self.init(code, "Redis answered: \(text.prefix(300))")
    }
}
