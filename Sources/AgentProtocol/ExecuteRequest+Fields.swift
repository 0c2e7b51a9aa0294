extension ExecuteRequest {
    private enum Tag {
        static let id: UInt8 = 1
        static let language: UInt8 = 2
        static let code: UInt8 = 3
        static let event: UInt8 = 4
        /// A name; its value follows as the next field.
        static let environmentName: UInt8 = 5
        static let environmentValue: UInt8 = 6
        static let timeout: UInt8 = 7
        static let stdoutLimit: UInt8 = 8
        static let stderrLimit: UInt8 = 9
        static let resultLimit: UInt8 = 10
        static let maximumProcesses: UInt8 = 11
        static let maximumFileSize: UInt8 = 12
        static let maximumOpenFiles: UInt8 = 13
    }

    func write(to writer: inout FieldWriter) {
        writer.write(Tag.id, self.id.rawValue)
        writer.write(Tag.language, UInt64(self.language.rawValue))
        writer.write(Tag.code, self.code)
        writer.write(Tag.event, self.event)
        for variable in self.environment {
            writer.write(Tag.environmentName, variable.name)
            writer.write(Tag.environmentValue, variable.value)
        }
        writer.write(Tag.timeout, self.timeout)
        writer.write(Tag.stdoutLimit, max(0, self.stdoutLimit))
        writer.write(Tag.stderrLimit, max(0, self.stderrLimit))
        writer.write(Tag.resultLimit, max(0, self.resultLimit))
        if let limit = self.limits.maximumProcesses { writer.write(Tag.maximumProcesses, max(0, limit)) }
        if let limit = self.limits.maximumFileSize { writer.write(Tag.maximumFileSize, max(0, limit)) }
        if let limit = self.limits.maximumOpenFiles { writer.write(Tag.maximumOpenFiles, max(0, limit)) }
    }

    init(fields: [UInt8]) throws(ProtocolError) {
        var (id, language): (AgentExecutionID?, AgentLanguage?) = (nil, nil)
        self.init(id: AgentExecutionID(""), language: .python, code: [])
        var name = ""
        var reader = FieldReader(fields)
        while let field = try reader.next() {
            switch field.tag {
            case Tag.id: id = AgentExecutionID(field.string)
            case Tag.language: language = try AgentLanguage(field: field)
            case Tag.code: self.code = field.array
            case Tag.event: self.event = field.array
            case Tag.environmentName: name = field.string
            case Tag.environmentValue: self.environment.append(EnvironmentVariable(name: name, value: field.string))
            case Tag.timeout: self.timeout = try field.duration()
            case Tag.stdoutLimit: self.stdoutLimit = min(try field.count(), Self.maximumCapture)
            case Tag.stderrLimit: self.stderrLimit = min(try field.count(), Self.maximumCapture)
            case Tag.resultLimit: self.resultLimit = min(try field.count(), Self.maximumCapture)
            case Tag.maximumProcesses: self.limits.maximumProcesses = try field.count()
            case Tag.maximumFileSize: self.limits.maximumFileSize = try field.count()
            case Tag.maximumOpenFiles: self.limits.maximumOpenFiles = try field.count()
            default: break
            }
        }
        guard let id, let language else { throw ProtocolError(.malformed, "an execution without id or language") }
        self.id = id
        self.language = language
    }
}
