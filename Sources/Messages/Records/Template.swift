/// A template as it is kept and answered.
public struct Template: WireMessage {
    public var id: TemplateID
    public var name: String
    /// Only stored: looked up when a session starts.
    public var imageURL: String
    public var runtime: RuntimeType
    /// In thousandths of a core.
    public var cpuMillis: Int
    public var memoryMB: Int
    public var diskMB: Int
    public var timeoutSeconds: Int
    public var environment: [String: String]
    public var isActive: Bool
    public var createdAt: Timestamp
    public var updatedAt: Timestamp

    public init(
        id: TemplateID,
        name: String,
        imageURL: String,
        runtime: RuntimeType,
        cpuMillis: Int = 500,
        memoryMB: Int = 512,
        diskMB: Int = 1024,
        timeoutSeconds: Int = 300,
        environment: [String: String] = [:],
        isActive: Bool = true,
        createdAt: Timestamp,
        updatedAt: Timestamp
    ) {
        self.id = id
        self.name = name
        self.imageURL = imageURL
        self.runtime = runtime
        self.cpuMillis = cpuMillis
        self.memoryMB = memoryMB
        self.diskMB = diskMB
        self.timeoutSeconds = timeoutSeconds
        self.environment = environment
        self.isActive = isActive
        self.createdAt = createdAt
        self.updatedAt = updatedAt
    }

    public init(from reader: inout WireReader) throws(MessageError) {
        let epoch = Timestamp(microseconds: 0)
        self.init(
            id: TemplateID(""),
            name: "",
            imageURL: "",
            runtime: .python311,
            cpuMillis: 0,
            memoryMB: 0,
            diskMB: 0,
            timeoutSeconds: 0,
            isActive: false,
            createdAt: epoch,
            updatedAt: epoch
        )
        while let field = try reader.next() {
            switch field {
            case 1: self.id = TemplateID(try reader.string())
            case 2: self.name = try reader.string()
            case 3: self.imageURL = try reader.string()
            case 4: self.runtime = try reader.enumeration()
            case 5: self.cpuMillis = try reader.int()
            case 6: self.memoryMB = try reader.int()
            case 7: self.diskMB = try reader.int()
            case 8: self.timeoutSeconds = try reader.int()
            case 9: try reader.entry(into: &self.environment)
            case 10: self.isActive = try reader.bool()
            case 11: self.createdAt = try reader.timestamp()
            case 12: self.updatedAt = try reader.timestamp()
            default: break
            }
        }
    }

    public func encode(to writer: inout WireWriter) {
        writer.string(1, self.id.rawValue)
        writer.string(2, self.name)
        writer.string(3, self.imageURL)
        writer.int(4, self.runtime.rawValue)
        writer.int(5, self.cpuMillis)
        writer.int(6, self.memoryMB)
        writer.int(7, self.diskMB)
        writer.int(8, self.timeoutSeconds)
        writer.map(9, self.environment)
        writer.bool(10, self.isActive)
        writer.timestamp(11, self.createdAt)
        writer.timestamp(12, self.updatedAt)
    }
}
