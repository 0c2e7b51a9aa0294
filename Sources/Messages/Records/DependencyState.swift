/// How far a session's installation of packages has come. Raw values are on the wire; ``name`` is the API's.
public enum DependencyStatus: Int, Sendable, CaseIterable {
    case completed = 1
    case installing = 2
    case failed = 3

    public var name: String {
        switch self {
        case .completed: "completed"
        case .installing: "installing"
        case .failed: "failed"
        }
    }
}

/// What became of a session's requested packages.
public struct DependencyState: WireMessage {
    public var status: DependencyStatus
    public var installed: [InstalledDependency]
    /// Names the specification that failed.
    public var errorMessage: String?
    public var startedAt: Timestamp?
    public var completedAt: Timestamp?

    /// Without packages there is nothing to wait for: `completed`.
    public init(
        status: DependencyStatus = .completed,
        installed: [InstalledDependency] = [],
        errorMessage: String? = nil,
        startedAt: Timestamp? = nil,
        completedAt: Timestamp? = nil
    ) {
        self.status = status
        self.installed = installed
        self.errorMessage = errorMessage
        self.startedAt = startedAt
        self.completedAt = completedAt
    }

    public init(from reader: inout WireReader) throws(MessageError) {
        self.init()
        while let field = try reader.next() {
            switch field {
            case 1: self.status = try reader.enumeration()
            case 2: self.installed.append(try reader.message())
            case 3: self.errorMessage = try reader.string()
            case 4: self.startedAt = try reader.timestamp()
            case 5: self.completedAt = try reader.timestamp()
            default: break
            }
        }
    }

    public func encode(to writer: inout WireWriter) {
        writer.int(1, self.status.rawValue)
        writer.messages(2, self.installed)
        writer.optionalString(3, self.errorMessage)
        writer.timestamp(4, self.startedAt)
        writer.timestamp(5, self.completedAt)
    }
}

/// A package that is there.
public struct InstalledDependency: WireMessage {
    public var name: String
    /// Bare, without an operator.
    public var version: String
    public var location: String
    public var installedAt: Timestamp
    public var isFromTemplate: Bool

    public init(
        name: String,
        version: String,
        location: String,
        installedAt: Timestamp,
        isFromTemplate: Bool = false
    ) {
        self.name = name
        self.version = version
        self.location = location
        self.installedAt = installedAt
        self.isFromTemplate = isFromTemplate
    }

    public init(from reader: inout WireReader) throws(MessageError) {
        self.init(name: "", version: "", location: "", installedAt: Timestamp(microseconds: 0))
        while let field = try reader.next() {
            switch field {
            case 1: self.name = try reader.string()
            case 2: self.version = try reader.string()
            case 3: self.location = try reader.string()
            case 4: self.installedAt = try reader.timestamp()
            case 5: self.isFromTemplate = try reader.bool()
            default: break
            }
        }
    }

    public func encode(to writer: inout WireWriter) {
        writer.string(1, self.name)
        writer.string(2, self.version)
        writer.string(3, self.location)
        writer.timestamp(4, self.installedAt)
        writer.bool(5, self.isFromTemplate)
    }
}
