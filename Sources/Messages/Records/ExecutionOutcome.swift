/// How one attempt of an execution ended, as its worker saw it.
public struct ExecutionOutcome: WireMessage {
    public var status: ExecutionStatus
    public var exitCode: Int?
    public var errorMessage: String?
    public var stdout: [UInt8]
    public var stderr: [UInt8]
    /// What the program wrote, kept or not, in bytes.
    public var stdoutBytes: Int
    public var stderrBytes: Int
    /// JSON; `nil` when there is none to answer.
    public var returnValue: [UInt8]?
    public var artifacts: [String]
    public var metrics: ExecutionMetrics

    public var isStdoutTruncated: Bool { self.stdoutBytes > self.stdout.count }
    public var isStderrTruncated: Bool { self.stderrBytes > self.stderr.count }

    public init(
        status: ExecutionStatus,
        exitCode: Int? = nil,
        errorMessage: String? = nil,
        stdout: [UInt8] = [],
        stderr: [UInt8] = [],
        stdoutBytes: Int? = nil,
        stderrBytes: Int? = nil,
        returnValue: [UInt8]? = nil,
        artifacts: [String] = [],
        metrics: ExecutionMetrics = ExecutionMetrics()
    ) {
        self.status = status
        self.exitCode = exitCode
        self.errorMessage = errorMessage
        self.stdout = stdout
        self.stderr = stderr
        self.stdoutBytes = stdoutBytes ?? stdout.count
        self.stderrBytes = stderrBytes ?? stderr.count
        self.returnValue = returnValue
        self.artifacts = artifacts
        self.metrics = metrics
    }

    public init(from reader: inout WireReader) throws(MessageError) {
        var status: ExecutionStatus?
        var stdoutBytes = 0
        var stderrBytes = 0
        self.init(status: .failed)
        while let field = try reader.next() {
            switch field {
            case 1: status = try reader.enumeration()
            case 2: self.exitCode = try reader.int()
            case 3: self.errorMessage = try reader.string()
            case 4: self.stdout = try reader.data()
            case 5: self.stderr = try reader.data()
            case 6: stdoutBytes = try reader.int()
            case 7: stderrBytes = try reader.int()
            case 8: self.returnValue = try reader.data()
            case 9: self.artifacts.append(try reader.string())
            case 10: self.metrics = try reader.message()
            default: break
            }
        }
        guard let status else { throw MessageError(.malformed, "an outcome lacks its status") }
        self.status = status
        self.stdoutBytes = max(stdoutBytes, self.stdout.count)
        self.stderrBytes = max(stderrBytes, self.stderr.count)
    }

    public func encode(to writer: inout WireWriter) {
        writer.int(1, self.status.rawValue)
        writer.optionalInt(2, self.exitCode)
        writer.optionalString(3, self.errorMessage)
        writer.data(4, self.stdout)
        writer.data(5, self.stderr)
        writer.int(6, self.stdoutBytes)
        writer.int(7, self.stderrBytes)
        writer.optionalData(8, self.returnValue)
        for artifact in self.artifacts { writer.optionalString(9, artifact) }
        writer.message(10, self.metrics)
    }
}

/// What one execution used, measured.
public struct ExecutionMetrics: WireMessage {
    /// Wall-clock time, in microseconds.
    public var wallMicros: Int
    /// Time on a processor, in microseconds.
    public var cpuMicros: Int
    public var peakMemoryKiB: Int
    public var readBytes: Int
    public var writtenBytes: Int

    public init(
        wallMicros: Int = 0,
        cpuMicros: Int = 0,
        peakMemoryKiB: Int = 0,
        readBytes: Int = 0,
        writtenBytes: Int = 0
    ) {
        self.wallMicros = wallMicros
        self.cpuMicros = cpuMicros
        self.peakMemoryKiB = peakMemoryKiB
        self.readBytes = readBytes
        self.writtenBytes = writtenBytes
    }

    public init(from reader: inout WireReader) throws(MessageError) {
        self.init()
        while let field = try reader.next() {
            switch field {
            case 1: self.wallMicros = try reader.int()
            case 2: self.cpuMicros = try reader.int()
            case 3: self.peakMemoryKiB = try reader.int()
            case 4: self.readBytes = try reader.int()
            case 5: self.writtenBytes = try reader.int()
            default: break
            }
        }
    }

    public func encode(to writer: inout WireWriter) {
        writer.int(1, self.wallMicros)
        writer.int(2, self.cpuMicros)
        writer.int(3, self.peakMemoryKiB)
        writer.int(4, self.readBytes)
        writer.int(5, self.writtenBytes)
    }
}
