/// What a host says to the agent.
public enum HostMessage: Sendable, Equatable {
    /// The first message, sent once on each connection. The first of all is what counts. The agent answers ``AgentMessage/ready(_:)``.
    case configure(AgentConfiguration)
    /// Run this; answered by exactly one ``AgentMessage/ended(_:)``. One that comes while another runs waits for it.
    case execute(ExecuteRequest)
    /// End this execution if it waits or runs; else nothing. Its answer is still one `ended`.
    case cancel(AgentExecutionID)
    /// Kill everything and exit. Closing the connection does the same.
    case shutdown

    /// The whole frame, ready to be written.
    ///
    /// - Throws: ``ProtocolError/Code/frameTooLong``.
    public func encoded() throws(ProtocolError) -> [UInt8] {
        switch self {
        case .configure(let configuration):
            var writer = FieldWriter(kind: FrameKind.configure)
            configuration.write(to: &writer)
            return try writer.finish()
        case .execute(let request):
            var writer = FieldWriter(
                kind: FrameKind.execute,
                capacity: request.code.count + request.event.count + 512
            )
            request.write(to: &writer)
            return try writer.finish()
        case .cancel(let id):
            var writer = FieldWriter(kind: FrameKind.cancel)
            writer.write(1, id.rawValue)
            return try writer.finish()
        case .shutdown:
            return try FieldWriter(kind: FrameKind.shutdown).finish()
        }
    }

    public init(decoding frame: Frame) throws(ProtocolError) {
        switch frame.kind {
        case FrameKind.configure: self = .configure(try AgentConfiguration(fields: frame.payload))
        case FrameKind.execute: self = .execute(try ExecuteRequest(fields: frame.payload))
        case FrameKind.cancel:
            var reader = FieldReader(frame.payload)
            guard let field = try reader.next(), field.tag == 1 else {
                throw ProtocolError(.malformed, "a cancellation without an execution's id")
            }
            self = .cancel(AgentExecutionID(field.string))
        case FrameKind.shutdown: self = .shutdown
        default: throw ProtocolError(.unknownKind, "an agent does not understand frames of kind \(frame.kind)")
        }
    }
}
