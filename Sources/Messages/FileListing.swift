/// What is in a workspace, as one node tells it to a gateway.
public struct FileListing: WireMessage {
    public struct Entry: WireMessage {
        public var name: String
        /// Bytes.
        public var size: Int64
        /// Since 1970.
        public var modifiedMilliseconds: Int64
        public var kind: String

        public init(name: String, size: Int64, modifiedMilliseconds: Int64, kind: String) {
            self.name = name
            self.size = size
            self.modifiedMilliseconds = modifiedMilliseconds
            self.kind = kind
        }

        public init(from reader: inout WireReader) throws(MessageError) {
            self.init(name: "", size: 0, modifiedMilliseconds: 0, kind: "")
            while let field = try reader.next() {
                switch field {
                case 1: self.name = try reader.string()
                case 2: self.size = Int64(try reader.int())
                case 3: self.modifiedMilliseconds = Int64(try reader.int())
                case 4: self.kind = try reader.string()
                default: break
                }
            }
        }

        public func encode(to writer: inout WireWriter) {
            writer.string(1, self.name)
            writer.int(2, Int(self.size))
            writer.int(3, Int(self.modifiedMilliseconds))
            writer.string(4, self.kind)
        }
    }

    public var entries: [Entry]
    /// Whether there is more.
    public var isTruncated: Bool

    public init(entries: [Entry], isTruncated: Bool) {
        self.entries = entries
        self.isTruncated = isTruncated
    }

    public init(from reader: inout WireReader) throws(MessageError) {
        self.init(entries: [], isTruncated: false)
        while let field = try reader.next() {
            switch field {
            case 1: self.entries.append(try reader.message())
            case 2: self.isTruncated = try reader.bool()
            default: break
            }
        }
    }

    public func encode(to writer: inout WireWriter) {
        writer.messages(1, self.entries)
        writer.bool(2, self.isTruncated)
    }
}
