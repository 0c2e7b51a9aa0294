import HTTPServer
import JSON
import Messages

/// Reads a JSON body field by field, so that a client learns of all faults at once.
struct RequestReader {
    let object: JSONObjectReader
    private(set) var faults = JSONFieldFaults()

    /// - Throws: ``JSONFault`` for a body that is no JSON object.
    init(_ request: HTTPRequest) throws(JSONFault) {
        self.object = try JSONObjectReader(request.bytes, maxDepth: Limits.depth)
    }

    init(_ object: JSONObjectReader) {
        self.object = object
    }

    /// What `read` gives; `nil` when it finds a fault, which is kept.
    mutating func take<Value>(_ read: (JSONObjectReader) throws(JSONFieldFault) -> Value) -> Value? {
        let object = self.object
        return self.faults.collect { () throws(JSONFieldFault) in try read(object) }
    }

    /// What `read` gives, be it `nil`; also `nil` when it finds a fault, which is kept.
    mutating func optional<Value>(_ read: (JSONObjectReader) throws(JSONFieldFault) -> Value?) -> Value? {
        self.take(read) ?? nil
    }

    mutating func add(_ fault: JSONFieldFault) { self.faults.add(fault) }

    /// - Throws: ``APIError`` with every fault, if there is one.
    func finish() throws(APIError) {
        if !self.faults.isEmpty { throw .invalid(self.faults.all) }
    }
}

extension JSONObjectReader {
    /// Texts by name for a program's environment; `nil` where it is absent or null.
    func environment(_ key: String) throws(JSONFieldFault) -> [String: String]? {
        guard let map = try self.optionalObject(key) else { return nil }
        let names = map.keys
        guard names.count <= Limits.variables else {
            throw self.fault(
                .tooLong,
                key,
                "Dictionary should have at most \(Limits.variables) items after validation, not \(names.count)"
            )
        }
        var environment: [String: String] = [:]
        for name in names {
            let value = try map.string(name)
            guard !name.isEmpty, !name.utf8.contains(where: { $0 == 0 || $0 == UInt8(ascii: "=") }) else {
                throw map.fault(.value, name, "Value error, a variable's name must not be empty or hold '=' or NUL")
            }
            guard !value.utf8.contains(0) else {
                throw map.fault(.value, name, "Value error, a variable must not hold NUL")
            }
            guard name.utf8.count + value.utf8.count <= Limits.variable else {
                throw map.fault(
                    .value,
                    name,
                    "Value error, a variable must not be longer than \(Limits.variable) bytes"
                )
            }
            environment[name] = value
        }
        return environment
    }

    /// An object as the bytes that came in; `nil` where it is absent or null.
    func rawObject(_ key: String) throws(JSONFieldFault) -> [UInt8]? {
        switch self.kind(key) {
        case nil, .null: return nil
        case .object: break
        default: throw self.fault(.dictType, key)
        }
        guard let bytes = self.rawBytes(key) else { return nil }
        guard bytes.count <= Limits.event else {
            throw self.fault(.value, key, "Value error, the object must not be longer than \(Limits.event) bytes")
        }
        return Array(bytes)
    }

    /// A name that a client chooses: letters, digits, `.`, `_` and `-`.
    func optionalID(_ key: String, length: ClosedRange<Int>) throws(JSONFieldFault) -> String? {
        guard let id = try self.optionalString(key, length: length) else { return nil }
        guard Identifiers.isValid(id) else {
            throw self.fault(.stringPattern, key, "String should match pattern '\(Identifiers.pattern)'")
        }
        return id
    }

    func id(_ key: String, length: ClosedRange<Int>) throws(JSONFieldFault) -> String {
        if let id = try self.optionalID(key, length: length) { return id }
        throw self.fault(self.contains(key) ? .stringType : .missing, key)
    }
}

/// Names that clients choose for templates and sessions.
enum Identifiers {
    static let pattern = "^[A-Za-z0-9._-]+$"

    static func isValid(_ text: String) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy { byte in
                (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
                    || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-")
            }
    }
}
