/// What the agent says to its host.
public enum AgentMessage: Sendable, Equatable {
    /// The answer to ``HostMessage/configure(_:)``.
    case ready(AgentReady)
    /// An execution is over, and this is its only answer. What it started may need some tens of milliseconds to die: an
    /// `execute` that comes meanwhile waits for that.
    case ended(ExecutionEnd)
    /// The agent cannot go on and is of no more use; says why, for operators.
    case fault(String)

    /// The whole frame, ready to be written.
    ///
    /// - Throws: ``ProtocolError/Code/frameTooLong``.
    public func encoded() throws(ProtocolError) -> [UInt8] {
        switch self {
        case .ready(let ready):
            var writer = FieldWriter(kind: FrameKind.ready)
            ready.write(to: &writer)
            return try writer.finish()
        case .ended(let end):
            var writer = FieldWriter(
                kind: FrameKind.ended,
                capacity: end.stdout.bytes.count + end.stderr.bytes.count + (end.returnValue?.count ?? 0) + 512
            )
            end.write(to: &writer)
            return try writer.finish()
        case .fault(let message):
            var writer = FieldWriter(kind: FrameKind.fault)
            writer.write(1, message)
            return try writer.finish()
        }
    }

    public init(decoding frame: Frame) throws(ProtocolError) {
        switch frame.kind {
        case FrameKind.ready: self = .ready(try AgentReady(fields: frame.payload))
        case FrameKind.ended: self = .ended(try ExecutionEnd(fields: frame.payload))
        case FrameKind.fault:
            var reader = FieldReader(frame.payload)
            self = .fault(try reader.next()?.string ?? "unknown")
        default: throw ProtocolError(.unknownKind, "a host does not understand frames of kind \(frame.kind)")
        }
    }
}
