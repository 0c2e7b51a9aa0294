import JSON

/// The part of JSON Schema that this API needs.
indirect enum Schema: Sendable {
    struct Field: Sendable {
        var name: String
        var schema: Schema
        var text: String
        var isRequired: Bool

        init(_ name: String, _ schema: Schema, _ text: String = "", required: Bool = false) {
            self.name = name
            self.schema = schema
            self.text = text
            self.isRequired = required
        }
    }

    case any
    case text(length: ClosedRange<Int>?, choices: [String], pattern: String?, format: String?, default: String?)
    case whole(from: Int?, through: Int?, default: Int?)
    case number(ClosedRange<Double>?, default: Double?)
    case flag(default: Bool?)
    case map(Schema)
    case array(Schema, count: ClosedRange<Int>?)
    case object([Field])
    case nullable(Schema)
    case reference(String)

    static func string(
        _ length: ClosedRange<Int>? = nil,
        choices: [String] = [],
        pattern: String? = nil,
        format: String? = nil,
        default value: String? = nil
    ) -> Schema {
        .text(length: length, choices: choices, pattern: pattern, format: format, default: value)
    }

    static let time = Schema.string(format: "date-time")

    static func integer(in range: ClosedRange<Int>, default value: Int? = nil) -> Schema {
        .whole(from: range.lowerBound, through: range.upperBound, default: value)
    }

    static func integer(from lowest: Int? = nil, default value: Int? = nil) -> Schema {
        .whole(from: lowest, through: nil, default: value)
    }

    static let environment = Schema.map(.string())

    func write(to writer: inout JSONWriter) {
        writer.beginObject()
        self.writeMembers(to: &writer)
        writer.endObject()
    }

    private func writeMembers(to writer: inout JSONWriter) {
        switch self {
        case .any: break
        case .text(let length, let choices, let pattern, let format, let value):
            writer.field("type", "string")
            if let length {
                if length.lowerBound > 0 { writer.field("minLength", length.lowerBound) }
                writer.field("maxLength", length.upperBound)
            }
            if !choices.isEmpty { writer.field("enum", choices) }
            if let pattern { writer.field("pattern", pattern) }
            if let format { writer.field("format", format) }
            if let value { writer.field("default", value) }
        case .whole(let lowest, let highest, let value):
            writer.field("type", "integer")
            if let lowest { writer.field("minimum", lowest) }
            if let highest { writer.field("maximum", highest) }
            if let value { writer.field("default", value) }
        case .number(let range, let value):
            writer.field("type", "number")
            if let range {
                writer.field("minimum", range.lowerBound)
                writer.field("maximum", range.upperBound)
            }
            if let value { writer.field("default", value) }
        case .flag(let value):
            writer.field("type", "boolean")
            if let value { writer.field("default", value) }
        case .map(let schema):
            writer.field("type", "object")
            writer.key("additionalProperties")
            schema.write(to: &writer)
        case .array(let schema, let count):
            writer.field("type", "array")
            writer.key("items")
            schema.write(to: &writer)
            if let count {
                if count.lowerBound > 0 { writer.field("minItems", count.lowerBound) }
                writer.field("maxItems", count.upperBound)
            }
        case .object(let fields): Self.write(fields, to: &writer)
        case .nullable(let schema):
            writer.key("anyOf")
            writer.beginArray()
            schema.write(to: &writer)
            writer.object { $0.field("type", "null") }
            writer.endArray()
        case .reference(let name): writer.field("$ref", "#/components/schemas/\(name)")
        }
    }

    private static func write(_ fields: [Field], to writer: inout JSONWriter) {
        writer.field("type", "object")
        writer.object("properties") { writer in
            for field in fields {
                writer.key(field.name)
                writer.beginObject()
                field.schema.writeMembers(to: &writer)
                if !field.text.isEmpty { writer.field("description", field.text) }
                writer.endObject()
            }
        }
        let required = fields.filter(\.isRequired).map(\.name)
        if !required.isEmpty { writer.field("required", required) }
    }
}
