/// New values for some fields of a template; `nil` leaves one as it is.
public struct TemplateChange: WireMessage {
    public var id: TemplateID
    public var name: String?
    public var imageURL: String?
    public var runtime: RuntimeType?
    public var cpuMillis: Int?
    public var memoryMB: Int?
    public var diskMB: Int?
    public var timeoutSeconds: Int?
    /// Replaces the whole map.
    public var environment: [String: String]?
    public var isActive: Bool?

    public init(id: TemplateID) {
        self.id = id
    }

    public init(from reader: inout WireReader) throws(MessageError) {
        self.init(id: TemplateID(""))
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
            case 9:
                var environment = self.environment ?? [:]
                try reader.entry(into: &environment)
                self.environment = environment
            case 10: self.isActive = try reader.bool()
            case 11: self.environment = self.environment ?? [:]
            default: break
            }
        }
    }

    public func encode(to writer: inout WireWriter) {
        writer.string(1, self.id.rawValue)
        writer.optionalString(2, self.name)
        writer.optionalString(3, self.imageURL)
        writer.optionalInt(4, self.runtime?.rawValue)
        writer.optionalInt(5, self.cpuMillis)
        writer.optionalInt(6, self.memoryMB)
        writer.optionalInt(7, self.diskMB)
        writer.optionalInt(8, self.timeoutSeconds)
        if let environment = self.environment {
            writer.map(9, environment)
            // Tells an empty map from none.
            writer.bool(11, true)
        }
        writer.optionalInt(10, self.isActive.map { $0 ? 1 : 0 })
    }

    /// The template with the change made.
    public func applied(to template: Template, at now: Timestamp) -> Template {
        var changed = template
        changed.name = self.name ?? template.name
        changed.imageURL = self.imageURL ?? template.imageURL
        changed.runtime = self.runtime ?? template.runtime
        changed.cpuMillis = self.cpuMillis ?? template.cpuMillis
        changed.memoryMB = self.memoryMB ?? template.memoryMB
        changed.diskMB = self.diskMB ?? template.diskMB
        changed.timeoutSeconds = self.timeoutSeconds ?? template.timeoutSeconds
        changed.environment = self.environment ?? template.environment
        changed.isActive = self.isActive ?? template.isActive
        changed.updatedAt = now
        return changed
    }
}
