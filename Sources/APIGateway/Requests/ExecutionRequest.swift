import HTTPServer
import JSON
import Messages

/// What the body of an execute call asks for.
struct ExecutionRequest {
    var code: String
    var language: Language
    var timeoutSeconds: Int
    /// The object's bytes, as they came.
    var event: [UInt8]
    var environment: [String: String]
    var retries: Int

    private static let emptyEvent = Array("{}".utf8)
    private static let languages = Language.allCases.map(\.name)

    /// - Throws: ``JSONFault``, or ``APIError`` with every fault.
    init(_ request: HTTPRequest, defaults: TimeoutDefaults) throws {
        var reader = try RequestReader(request)
        let code = reader.take { json throws(JSONFieldFault) in try json.string("code", length: Limits.code) }
        let language = reader.take { json throws(JSONFieldFault) in
            try json.literal("language", of: Self.languages)
        }
        let timeout = reader.optional { json throws(JSONFieldFault) in
            try json.optionalInt("timeout", in: 1...min(defaults.maximum, Limits.executionTimeout.upperBound))
        }
        let event = reader.optional { json throws(JSONFieldFault) in try json.rawObject("event") }
        let environment = reader.optional { json throws(JSONFieldFault) in try json.environment("env_vars") }
        let retries = reader.optional { json throws(JSONFieldFault) in
            try json.optionalInt("retry", in: Limits.retries)
        }
        try reader.finish()
        guard let code, let language = language.flatMap({ Language(name: $0) }) else { throw APIError.invalid([]) }
        self.code = code
        self.language = language
        self.timeoutSeconds = timeout ?? min(defaults.execution, defaults.maximum)
        self.event = event ?? Self.emptyEvent
        self.environment = environment ?? [:]
        self.retries = retries ?? 0
    }

    func spec(in session: Session, now: Timestamp) -> ExecutionSpec {
        ExecutionSpec(
            id: .make(),
            session: session.spec.id,
            incarnation: session.spec.incarnation,
            code: self.code,
            language: self.language,
            timeoutSeconds: self.timeoutSeconds,
            event: self.event,
            environment: self.environment,
            retries: self.retries,
            createdAt: now
        )
    }
}
