/// Bytes that are not the JSON that was asked for.
public struct JSONFault: Error, Sendable, Equatable, CustomStringConvertible {
    /// What is wrong, in the terms of a caller that has to decide.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        private enum Base: String { case syntax, encoding, depth, notAnObject, notAnArray, empty }
        private let base: Base
        private init(_ base: Base) { self.base = base }

        /// Breaks the grammar of RFC 8259.
        public static let syntax = Self(.syntax)
        /// The bytes are no UTF-8.
        public static let encoding = Self(.encoding)
        /// Nested deeper than allowed.
        public static let depth = Self(.depth)
        /// Valid, but no object where one is needed.
        public static let notAnObject = Self(.notAnObject)
        /// Valid, but no array where one is needed.
        public static let notAnArray = Self(.notAnArray)
        /// There is nothing at all.
        public static let empty = Self(.empty)

        public var description: String { self.base.rawValue }
    }

    public var code: Code
    /// Where it was seen, in bytes from the start.
    public var offset: Int
    /// Whether the same call may succeed later: no.
    public var isRetriable: Bool { false }

    public init(_ code: Code, offset: Int) {
        self.code = code
        self.offset = offset
    }

    public var message: String {
        switch self.code {
        case .encoding: "not UTF-8 at byte \(self.offset)"
        case .depth: "nested too deep at byte \(self.offset)"
        case .notAnObject: "not an object"
        case .notAnArray: "not an array"
        case .empty: "empty"
        default: "not JSON at byte \(self.offset)"
        }
    }

    public var description: String { self.message }

    /// What a validation answer says about a body with this fault.
    public var fieldFault: JSONFieldFault {
        switch self.code {
        case .empty: JSONFieldFault(.missing, at: ["body"], "Field required")
        case .notAnObject: JSONFieldFault(.modelType, at: ["body"])
        case .notAnArray: JSONFieldFault(.listType, at: ["body"])
        case .depth: JSONFieldFault(.jsonInvalid, at: ["body", .index(self.offset)], "JSON is nested too deep")
        default: JSONFieldFault(.jsonInvalid, at: ["body", .index(self.offset)], "JSON decode error")
        }
    }
}
