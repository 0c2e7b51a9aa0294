/// What an agent is told once, before anything else.
public struct AgentConfiguration: Sendable, Equatable {
    /// Languages of which an interpreter is kept ready. The others are started when code in them comes.
    public var warmLanguages: [AgentLanguage]
    /// Absolute path of CPython 3.11 inside the sandbox.
    public var pythonPath: String
    /// Absolute path of Node.js inside the sandbox.
    public var nodePath: String
    /// Absolute paths of shells inside the sandbox; the first that exists is used.
    public var shellPaths: [String]
    /// Where code starts and its `HOME`. Must be writable.
    public var workspacePath: String
    /// The `TMPDIR` of code.
    public var temporaryPath: String
    /// The `PATH` of code.
    public var searchPath: String

    public init(
        warmLanguages: [AgentLanguage] = [.python],
        pythonPath: String = "/usr/bin/python3.11",
        nodePath: String = "/usr/bin/node",
        shellPaths: [String] = ["/bin/bash", "/bin/sh"],
        workspacePath: String = "/workspace",
        temporaryPath: String = "/tmp",
        searchPath: String = "/usr/local/bin:/usr/bin:/bin"
    ) {
        self.warmLanguages = warmLanguages
        self.pythonPath = pythonPath
        self.nodePath = nodePath
        self.shellPaths = shellPaths
        self.workspacePath = workspacePath
        self.temporaryPath = temporaryPath
        self.searchPath = searchPath
    }
}

extension AgentConfiguration {
    private enum Tag {
        static let warmLanguage: UInt8 = 1
        static let pythonPath: UInt8 = 2
        static let nodePath: UInt8 = 3
        static let shellPath: UInt8 = 4
        static let workspacePath: UInt8 = 5
        static let temporaryPath: UInt8 = 6
        static let searchPath: UInt8 = 7
    }

    func write(to writer: inout FieldWriter) {
        for language in self.warmLanguages { writer.write(Tag.warmLanguage, UInt64(language.rawValue)) }
        writer.write(Tag.pythonPath, self.pythonPath)
        writer.write(Tag.nodePath, self.nodePath)
        for path in self.shellPaths { writer.write(Tag.shellPath, path) }
        writer.write(Tag.workspacePath, self.workspacePath)
        writer.write(Tag.temporaryPath, self.temporaryPath)
        writer.write(Tag.searchPath, self.searchPath)
    }

    init(fields: [UInt8]) throws(ProtocolError) {
        self.init(warmLanguages: [], shellPaths: [])
        var reader = FieldReader(fields)
        while let field = try reader.next() {
            switch field.tag {
            case Tag.warmLanguage: self.warmLanguages.append(try AgentLanguage(field: field))
            case Tag.pythonPath: self.pythonPath = field.string
            case Tag.nodePath: self.nodePath = field.string
            case Tag.shellPath: self.shellPaths.append(field.string)
            case Tag.workspacePath: self.workspacePath = field.string
            case Tag.temporaryPath: self.temporaryPath = field.string
            case Tag.searchPath: self.searchPath = field.string
            default: break
            }
        }
    }
}
