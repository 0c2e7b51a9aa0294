extension ExecutionEnd {
    private enum Tag {
        static let id: UInt8 = 1
        static let reason: UInt8 = 2
        /// The exit code or the signal.
        static let number: UInt8 = 3
        static let message: UInt8 = 4
        static let returnValue: UInt8 = 5
        static let isResultTooLarge: UInt8 = 6
        static let errorSummary: UInt8 = 7
        static let stdout: UInt8 = 8
        static let stdoutTotal: UInt8 = 9
        static let stderr: UInt8 = 10
        static let stderrTotal: UInt8 = 11
        static let wall: UInt8 = 12
        static let cpu: UInt8 = 13
        static let peakMemoryKiB: UInt8 = 14
        static let ioReadBytes: UInt8 = 15
        static let ioWriteBytes: UInt8 = 16
    }

    private enum Reason {
        static let exited: UInt64 = 1
        static let signaled: UInt64 = 2
        static let timedOut: UInt64 = 3
        static let cancelled: UInt64 = 4
        static let interpreterDied: UInt64 = 5
        static let outOfMemory: UInt64 = 6
        static let couldNotStart: UInt64 = 7
    }

    func write(to writer: inout FieldWriter) {
        writer.write(Tag.id, self.id.rawValue)
        self.writeReason(to: &writer)
        if let value = self.returnValue { writer.write(Tag.returnValue, value) }
        if self.isResultTooLarge { writer.write(Tag.isResultTooLarge, 1) }
        if let summary = self.errorSummary { writer.write(Tag.errorSummary, summary) }
        writer.write(Tag.stdout, self.stdout.bytes)
        writer.write(Tag.stdoutTotal, self.stdout.totalByteCount)
        writer.write(Tag.stderr, self.stderr.bytes)
        writer.write(Tag.stderrTotal, self.stderr.totalByteCount)
        writer.write(Tag.wall, self.metrics.wall)
        writer.write(Tag.cpu, self.metrics.cpu)
        writer.write(Tag.peakMemoryKiB, self.metrics.peakMemoryKiB)
        writer.write(Tag.ioReadBytes, self.metrics.ioReadBytes)
        writer.write(Tag.ioWriteBytes, self.metrics.ioWriteBytes)
    }

    private func writeReason(to writer: inout FieldWriter) {
        switch self.reason {
        case .exited(let code):
            writer.write(Tag.reason, Reason.exited)
            writer.write(Tag.number, Int(code))
        case .signaled(let signal):
            writer.write(Tag.reason, Reason.signaled)
            writer.write(Tag.number, Int(signal))
        case .timedOut: writer.write(Tag.reason, Reason.timedOut)
        case .cancelled: writer.write(Tag.reason, Reason.cancelled)
        case .interpreterDied: writer.write(Tag.reason, Reason.interpreterDied)
        case .outOfMemory: writer.write(Tag.reason, Reason.outOfMemory)
        case .couldNotStart(let message):
            writer.write(Tag.reason, Reason.couldNotStart)
            writer.write(Tag.message, message)
        }
    }

    init(fields: [UInt8]) throws(ProtocolError) {
        var (id, reason): (AgentExecutionID?, UInt64) = (nil, 0)
        var (number, message): (Int32, String) = (0, "")
        self.init(id: AgentExecutionID(""), reason: .timedOut)
        var reader = FieldReader(fields)
        while let field = try reader.next() {
            switch field.tag {
            case Tag.id: id = AgentExecutionID(field.string)
            case Tag.reason: reason = try field.unsigned()
            case Tag.number: number = Int32(truncatingIfNeeded: try field.signed())
            case Tag.message: message = field.string
            case Tag.returnValue: self.returnValue = field.array
            case Tag.isResultTooLarge: self.isResultTooLarge = try field.unsigned() != 0
            case Tag.errorSummary: self.errorSummary = field.string
            case Tag.stdout: self.stdout.bytes = field.array
            case Tag.stdoutTotal: self.stdout.totalByteCount = try field.unsigned()
            case Tag.stderr: self.stderr.bytes = field.array
            case Tag.stderrTotal: self.stderr.totalByteCount = try field.unsigned()
            case Tag.wall: self.metrics.wall = try field.duration()
            case Tag.cpu: self.metrics.cpu = try field.duration()
            case Tag.peakMemoryKiB: self.metrics.peakMemoryKiB = try field.unsigned()
            case Tag.ioReadBytes: self.metrics.ioReadBytes = try field.unsigned()
            case Tag.ioWriteBytes: self.metrics.ioWriteBytes = try field.unsigned()
            default: break
            }
        }
        guard let id else { throw ProtocolError(.malformed, "an end without an execution's id") }
        self.id = id
        self.reason = try Self.reason(reason, number: number, message: message)
    }

    private static func reason(_ raw: UInt64, number: Int32, message: String) throws(ProtocolError) -> EndReason {
        switch raw {
        case Reason.exited: .exited(code: number)
        case Reason.signaled: .signaled(number)
        case Reason.timedOut: .timedOut
        case Reason.cancelled: .cancelled
        case Reason.interpreterDied: .interpreterDied
        case Reason.outOfMemory: .outOfMemory
        case Reason.couldNotStart: .couldNotStart(message)
        default: throw ProtocolError(.malformed, "an end for reason \(raw)")
        }
    }
}
