import HTTPServer
import JSON
import Messages

/// What the body of `POST /sessions` asks for, before the template is known.
struct SessionRequest {
    var id: SessionID?
    var templateID: TemplateID
    var timeoutSeconds: Int
    /// As written, with what it means.
    var cpu: (text: String, millis: Int)?
    var memory: (text: String, bytes: Int)?
    var disk: (text: String, bytes: Int)?
    var environment: [String: String]
    var event: [UInt8]
    var dependencies: DependencyRequest

    /// - Throws: ``JSONFault``, or ``APIError`` with every fault.
    init(_ request: HTTPRequest, defaults: TimeoutDefaults) throws {
        var reader = try RequestReader(request)
        let id = reader.optional { json throws(JSONFieldFault) in
            try json.optionalID("id", length: Limits.sessionID)
        }
        let template = reader.take { json throws(JSONFieldFault) in
            try json.string("template_id", length: Limits.templateID)
        }
        let timeout = reader.optional { json throws(JSONFieldFault) in
            try json.optionalInt("timeout", in: 1...min(defaults.maximum, Limits.sessionTimeout.upperBound))
        }
        self.cpu = reader.optional { json throws(JSONFieldFault) in
            try Self.amount(json, "cpu", ResourceQuantity.cpuMillis, "a number of cores such as '0.5' or '1'")
        }.map { (text: $0.text, millis: $0.value) }
        self.memory = reader.optional { json throws(JSONFieldFault) in
            try Self.amount(json, "memory", ResourceQuantity.bytes, "an amount such as '512Mi' or '1Gi'")
        }.map { (text: $0.text, bytes: $0.value) }
        self.disk = reader.optional { json throws(JSONFieldFault) in
            try Self.amount(json, "disk", ResourceQuantity.bytes, "an amount such as '512Mi' or '1Gi'")
        }.map { (text: $0.text, bytes: $0.value) }
        let environment = reader.optional { json throws(JSONFieldFault) in try json.environment("env_vars") }
        let event = reader.optional { json throws(JSONFieldFault) in try json.rawObject("event") }
        self.dependencies = DependencyFields.ofSession(&reader)
        try reader.finish()
        guard let template else { throw APIError.invalid([]) }
        self.id = id.map { SessionID($0) }
        self.templateID = TemplateID(template)
        self.timeoutSeconds = timeout ?? defaults.session
        self.environment = environment ?? [:]
        self.event = event ?? []
    }

    /// The session to create, with the template as it is now.
    func spec(from template: Template, maxProcesses: Int, now: Timestamp) -> SessionSpec {
        SessionSpec(
            id: self.id ?? .make(),
            incarnation: .make(),
            templateID: template.id,
            image: template.imageURL,
            runtime: template.runtime,
            resources: Resources(
                cpu: self.cpu?.text ?? ResourceQuantity.text(cpuMillis: template.cpuMillis),
                memory: self.memory?.text ?? "\(template.memoryMB)Mi",
                disk: self.disk?.text ?? "\(template.diskMB)Mi",
                cpuMillis: self.cpu?.millis ?? template.cpuMillis,
                memoryBytes: self.memory?.bytes ?? template.memoryMB * 1_048_576,
                diskBytes: self.disk?.bytes ?? template.diskMB * 1_048_576,
                maxProcesses: maxProcesses
            ),
            templateEnvironment: template.environment,
            environment: self.environment,
            timeoutSeconds: self.timeoutSeconds,
            event: self.event,
            dependencies: self.dependencies,
            createdAt: now
        )
    }

    private static func amount(
        _ json: JSONObjectReader,
        _ key: String,
        _ parse: (String) -> Int?,
        _ example: String
    ) throws(JSONFieldFault) -> (text: String, value: Int)? {
        // A plain number is what people write, too.
        let text =
            json.kind(key) == .number
            ? json.rawBytes(key).map { String(decoding: $0, as: UTF8.self) }
            : try json.optionalString(key, length: Limits.resourceText)
        guard let text else { return nil }
        guard let value = parse(text) else { throw json.fault(.value, key, "Value error, must be \(example)") }
        return (text, value)
    }
}
