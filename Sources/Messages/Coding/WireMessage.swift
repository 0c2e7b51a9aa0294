/// A value that travels in the Protocol Buffers wire format.
public protocol WireMessage: Sendable, Equatable {
    /// Reads the fields this version knows; a missing one has its default, an unknown one is skipped.
    init(from reader: inout WireReader) throws(MessageError)
    func encode(to writer: inout WireWriter)
}

extension WireMessage {
    /// The value as bytes of their own.
    public func encoded() -> [UInt8] {
        var writer = WireWriter()
        self.encode(to: &writer)
        return writer.bytes
    }

    public init(decoding bytes: [UInt8]) throws(MessageError) {
        var reader = WireReader(bytes)
        try self.init(from: &reader)
    }
}
