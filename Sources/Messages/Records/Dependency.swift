/// A package that a session asks for.
public struct Dependency: WireMessage {
    public var name: String
    /// With its operator (`==1.0.2`), or `nil` for any.
    public var version: String?

    public init(name: String, version: String?) {
        self.name = name
        self.version = version
    }

    public init(from reader: inout WireReader) throws(MessageError) {
        self.init(name: "", version: nil)
        while let field = try reader.next() {
            switch field {
            case 1: self.name = try reader.string()
            case 2: self.version = try reader.string()
            default: break
            }
        }
    }

    public func encode(to writer: inout WireWriter) {
        writer.string(1, self.name)
        writer.optionalString(2, self.version)
    }
}

/// What a session asks to be installed, and how.
public struct DependencyRequest: WireMessage {
    public var dependencies: [Dependency]
    /// As given; empty means the installation's default.
    public var indexURL: String
    public var timeoutSeconds: Int
    public var failsSession: Bool
    public var allowsConflicts: Bool

    public init(
        dependencies: [Dependency] = [],
        indexURL: String = "",
        timeoutSeconds: Int = 300,
        failsSession: Bool = true,
        allowsConflicts: Bool = false
    ) {
        self.dependencies = dependencies
        self.indexURL = indexURL
        self.timeoutSeconds = timeoutSeconds
        self.failsSession = failsSession
        self.allowsConflicts = allowsConflicts
    }

    public init(from reader: inout WireReader) throws(MessageError) {
        self.init(timeoutSeconds: 0, failsSession: false)
        while let field = try reader.next() {
            switch field {
            case 1: self.dependencies.append(try reader.message())
            case 2: self.indexURL = try reader.string()
            case 3: self.timeoutSeconds = try reader.int()
            case 4: self.failsSession = try reader.bool()
            case 5: self.allowsConflicts = try reader.bool()
            default: break
            }
        }
    }

    public func encode(to writer: inout WireWriter) {
        writer.messages(1, self.dependencies)
        writer.string(2, self.indexURL)
        writer.int(3, self.timeoutSeconds)
        writer.bool(4, self.failsSession)
        writer.bool(5, self.allowsConflicts)
    }
}
