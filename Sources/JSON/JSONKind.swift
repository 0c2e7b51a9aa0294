/// What a JSON value is, told by its first byte.
public enum JSONKind: Sendable, Equatable {
    case object, array, string, number, bool, null

    init(first byte: UInt8) {
        switch byte {
        case 123: self = .object
        case 91: self = .array
        case 34: self = .string
        case 116, 102: self = .bool
        case 110: self = .null
        default: self = .number
        }
    }
}
