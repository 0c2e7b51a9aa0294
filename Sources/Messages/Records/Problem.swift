/// Why something did not come about: a code that programs branch on and a sentence for people.
public struct Problem: WireMessage {
    /// Lower case with underscores, as in the API: `unknown_image`.
    public var code: String
    public var message: String

    public init(_ code: String, _ message: String) {
        self.code = code
        self.message = message
    }

    public init(from reader: inout WireReader) throws(MessageError) {
        self.init("", "")
        while let field = try reader.next() {
            switch field {
            case 1: self.code = try reader.string()
            case 2: self.message = try reader.string()
            default: break
            }
        }
    }

    public func encode(to writer: inout WireWriter) {
        writer.string(1, self.code)
        writer.string(2, self.message)
    }
}
