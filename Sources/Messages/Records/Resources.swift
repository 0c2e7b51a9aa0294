/// Ceilings of one session, as given and as meant.
public struct Resources: WireMessage {
    /// As the client wrote them, for the answer: `"1"`, `"512Mi"`, `"1Gi"`.
    public var cpu: String
    public var memory: String
    public var disk: String
    /// In thousandths of a core.
    public var cpuMillis: Int
    public var memoryBytes: Int
    public var diskBytes: Int
    public var maxProcesses: Int

    public init(
        cpu: String,
        memory: String,
        disk: String,
        cpuMillis: Int,
        memoryBytes: Int,
        diskBytes: Int,
        maxProcesses: Int = 128
    ) {
        self.cpu = cpu
        self.memory = memory
        self.disk = disk
        self.cpuMillis = cpuMillis
        self.memoryBytes = memoryBytes
        self.diskBytes = diskBytes
        self.maxProcesses = maxProcesses
    }

    public init(from reader: inout WireReader) throws(MessageError) {
        self.init(cpu: "", memory: "", disk: "", cpuMillis: 0, memoryBytes: 0, diskBytes: 0, maxProcesses: 0)
        while let field = try reader.next() {
            switch field {
            case 1: self.cpu = try reader.string()
            case 2: self.memory = try reader.string()
            case 3: self.disk = try reader.string()
            case 4: self.cpuMillis = try reader.int()
            case 5: self.memoryBytes = try reader.int()
            case 6: self.diskBytes = try reader.int()
            case 7: self.maxProcesses = try reader.int()
            default: break
            }
        }
    }

    public func encode(to writer: inout WireWriter) {
        writer.string(1, self.cpu)
        writer.string(2, self.memory)
        writer.string(3, self.disk)
        writer.int(4, self.cpuMillis)
        writer.int(5, self.memoryBytes)
        writer.int(6, self.diskBytes)
        writer.int(7, self.maxProcesses)
    }
}
