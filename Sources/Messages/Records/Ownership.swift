/// A dispatcher takes a partition over. What an earlier owner writes behind it is void.
public struct Claim: WireMessage {
    public var partition: Int
    /// Tells one claim from another; means nothing else.
    public var owner: String

    public init(partition: Int, owner: String) {
        self.partition = partition
        self.owner = owner
    }

    public init(from reader: inout WireReader) throws(MessageError) {
        self.init(partition: 0, owner: "")
        while let field = try reader.next() {
            switch field {
            case 1: self.partition = try reader.int()
            case 2: self.owner = try reader.string()
            default: break
            }
        }
    }

    public func encode(to writer: inout WireWriter) {
        writer.int(1, self.partition)
        writer.string(2, self.owner)
    }
}

/// How far the commands and events of a partition are in the state records before it. Written behind each batch: what
/// follows it in the log may have been decided on in part, and is decided on again.
public struct Checkpoint: WireMessage {
    public var partition: Int
    /// The first command that is not in the state.
    public var commands: Int64
    /// The first event that is not in the state.
    public var events: Int64
    /// Whether what a new installation begins with has been made.
    public var isInitialized: Bool

    public init(partition: Int, commands: Int64 = 0, events: Int64 = 0, isInitialized: Bool = false) {
        self.partition = partition
        self.commands = commands
        self.events = events
        self.isInitialized = isInitialized
    }

    public init(from reader: inout WireReader) throws(MessageError) {
        self.init(partition: 0)
        while let field = try reader.next() {
            switch field {
            case 1: self.partition = try reader.int()
            case 2: self.commands = Int64(try reader.int())
            case 3: self.events = Int64(try reader.int())
            case 4: self.isInitialized = try reader.bool()
            default: break
            }
        }
    }

    public func encode(to writer: inout WireWriter) {
        writer.int(1, self.partition)
        writer.int(2, Int(self.commands))
        writer.int(3, Int(self.events))
        writer.bool(4, self.isInitialized)
    }
}
