/// A step on the way to a value: a member's name or an element's number.
public enum JSONPathElement: Sendable, Hashable, ExpressibleByStringLiteral, ExpressibleByIntegerLiteral {
    case key(String)
    case index(Int)

    public init(stringLiteral value: String) { self = .key(value) }
    public init(integerLiteral value: Int) { self = .index(value) }
}

/// A field that does not hold what it must, in the words that clients of FastAPI know.
public struct JSONFieldFault: Error, Sendable, Equatable, CustomStringConvertible {
    /// What is wrong: the `type` of the answer. Open: a service may have codes of its own.
    public struct Code: Hashable, Sendable, RawRepresentable, CustomStringConvertible {
        public var rawValue: String
        public init(rawValue: String) { self.rawValue = rawValue }
        public var description: String { self.rawValue }

        public static let missing = Self(rawValue: "missing")
        public static let jsonInvalid = Self(rawValue: "json_invalid")
        public static let modelType = Self(rawValue: "model_attributes_type")
        public static let dictType = Self(rawValue: "dict_type")
        public static let listType = Self(rawValue: "list_type")
        public static let stringType = Self(rawValue: "string_type")
        public static let stringUnicode = Self(rawValue: "string_unicode")
        public static let stringTooShort = Self(rawValue: "string_too_short")
        public static let stringTooLong = Self(rawValue: "string_too_long")
        public static let stringPattern = Self(rawValue: "string_pattern_mismatch")
        public static let intType = Self(rawValue: "int_type")
        public static let intParsing = Self(rawValue: "int_parsing")
        public static let intParsingSize = Self(rawValue: "int_parsing_size")
        public static let intFromFloat = Self(rawValue: "int_from_float")
        public static let floatType = Self(rawValue: "float_type")
        public static let floatParsing = Self(rawValue: "float_parsing")
        public static let finiteNumber = Self(rawValue: "finite_number")
        public static let boolType = Self(rawValue: "bool_type")
        public static let boolParsing = Self(rawValue: "bool_parsing")
        public static let greaterThanEqual = Self(rawValue: "greater_than_equal")
        public static let lessThanEqual = Self(rawValue: "less_than_equal")
        public static let tooShort = Self(rawValue: "too_short")
        public static let tooLong = Self(rawValue: "too_long")
        public static let literal = Self(rawValue: "literal_error")
        public static let enumeration = Self(rawValue: "enum")
        public static let value = Self(rawValue: "value_error")
    }

    public var code: Code
    /// From `body` or `query` down to the field.
    public var path: [JSONPathElement]
    public var message: String
    /// Whether the same call may succeed later: no.
    public var isRetriable: Bool { false }

    /// - Parameter message: Defaults to the usual words of the code.
    public init(_ code: Code, at path: [JSONPathElement], _ message: String? = nil) {
        self.code = code
        self.path = path
        self.message = message ?? Self.words[code] ?? "Value error"
    }

    public var description: String { "\(self.code) at \(self.path): \(self.message)" }

    private static let words: [Code: String] = [
        .missing: "Field required",
        .jsonInvalid: "JSON decode error",
        .modelType: "Input should be a valid dictionary or object to extract fields from",
        .dictType: "Input should be a valid dictionary",
        .listType: "Input should be a valid list",
        .stringType: "Input should be a valid string",
        .stringUnicode: "Input should be a valid string, unable to parse raw data as a unicode string",
        .intType: "Input should be a valid integer",
        .intParsing: "Input should be a valid integer, unable to parse string as an integer",
        .intParsingSize: "Unable to parse input string as an integer, exceeded maximum size",
        .intFromFloat: "Input should be a valid integer, got a number with a fractional part",
        .floatType: "Input should be a valid number",
        .floatParsing: "Input should be a valid number, unable to parse string as a number",
        .finiteNumber: "Input should be a finite number",
        .boolType: "Input should be a valid boolean",
        .boolParsing: "Input should be a valid boolean, unable to interpret input",
    ]

    /// `{"loc":["body","timeout"],"msg":"…","type":"…"}`
    public func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.key("loc")
        writer.beginArray()
        for element in self.path {
            switch element {
            case .key(let key): writer.string(key)
            case .index(let index): writer.int(index)
            }
        }
        writer.endArray()
        writer.field("msg", self.message)
        writer.field("type", self.code.rawValue)
        writer.endObject()
    }

    /// The body of a 422 answer: `{"detail":[…]}`.
    public static func body(of faults: [JSONFieldFault]) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("detail")
        writer.beginArray()
        for fault in faults { fault.write(to: &writer) }
        writer.endArray()
        writer.endObject()
        return writer.bytes
    }
}

/// Gathers the faults of several fields, so that a client learns of all at once.
public struct JSONFieldFaults: Sendable {
    public private(set) var all: [JSONFieldFault] = []

    public init() {}

    public var isEmpty: Bool { self.all.isEmpty }

    public mutating func add(_ fault: JSONFieldFault) { self.all.append(fault) }

    /// What `read` gives, or `nil` when it throws, with the fault noted.
    public mutating func collect<Value>(_ read: () throws(JSONFieldFault) -> Value) -> Value? {
        do {
            return try read()
        } catch {
            self.all.append(error)
            return nil
        }
    }
}
