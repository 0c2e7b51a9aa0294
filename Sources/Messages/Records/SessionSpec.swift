/// What a client asked for when it made a session, with the template as it was then.
public struct SessionSpec: WireMessage {
    public var id: SessionID
    public var incarnation: Incarnation
    public var templateID: TemplateID
    public var image: String
    public var runtime: RuntimeType
    public var resources: Resources
    /// The template's environment; the session's own goes over it.
    public var templateEnvironment: [String: String]
    public var environment: [String: String]
    public var timeoutSeconds: Int
    /// JSON, as it came.
    public var event: [UInt8]
    public var dependencies: DependencyRequest
    public var createdAt: Timestamp

    public init(
        id: SessionID,
        incarnation: Incarnation,
        templateID: TemplateID,
        image: String,
        runtime: RuntimeType,
        resources: Resources,
        templateEnvironment: [String: String] = [:],
        environment: [String: String] = [:],
        timeoutSeconds: Int = 300,
        event: [UInt8] = [],
        dependencies: DependencyRequest = DependencyRequest(),
        createdAt: Timestamp
    ) {
        self.id = id
        self.incarnation = incarnation
        self.templateID = templateID
        self.image = image
        self.runtime = runtime
        self.resources = resources
        self.templateEnvironment = templateEnvironment
        self.environment = environment
        self.timeoutSeconds = timeoutSeconds
        self.event = event
        self.dependencies = dependencies
        self.createdAt = createdAt
    }

    public init(from reader: inout WireReader) throws(MessageError) {
        self.init(
            id: SessionID(""),
            incarnation: Incarnation(""),
            templateID: TemplateID(""),
            image: "",
            runtime: .python311,
            resources: Resources(cpu: "", memory: "", disk: "", cpuMillis: 0, memoryBytes: 0, diskBytes: 0),
            timeoutSeconds: 0,
            createdAt: Timestamp(microseconds: 0)
        )
        while let field = try reader.next() {
            switch field {
            case 1: self.id = SessionID(try reader.string())
            case 2: self.incarnation = Incarnation(try reader.string())
            case 3: self.templateID = TemplateID(try reader.string())
            case 4: self.image = try reader.string()
            case 5: self.runtime = try reader.enumeration()
            case 6: self.resources = try reader.message()
            case 7: try reader.entry(into: &self.templateEnvironment)
            case 8: try reader.entry(into: &self.environment)
            case 9: self.timeoutSeconds = try reader.int()
            case 10: self.event = try reader.data()
            case 11: self.dependencies = try reader.message()
            case 12: self.createdAt = try reader.timestamp()
            default: break
            }
        }
    }

    public func encode(to writer: inout WireWriter) {
        writer.string(1, self.id.rawValue)
        writer.string(2, self.incarnation.rawValue)
        writer.string(3, self.templateID.rawValue)
        writer.string(4, self.image)
        writer.int(5, self.runtime.rawValue)
        writer.message(6, self.resources)
        writer.map(7, self.templateEnvironment)
        writer.map(8, self.environment)
        writer.int(9, self.timeoutSeconds)
        writer.data(10, self.event)
        writer.message(11, self.dependencies)
        writer.timestamp(12, self.createdAt)
    }
}
