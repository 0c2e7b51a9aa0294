/// A command in the form in which it is sent.
struct RedisCommand: Sendable {
    private var count = 0
    private var body: [UInt8] = []

    init(_ words: String...) {
        for word in words { self.append(word) }
    }

    mutating func append(_ text: String) {
        var text = text
        text.withUTF8 { self.append(UnsafeRawBufferPointer($0)) }
    }

    mutating func append(_ bytes: [UInt8]) { bytes.withUnsafeBytes { self.append($0) } }

    mutating func append(_ number: some FixedWidthInteger) { self.append(String(number)) }

    private mutating func append(_ bytes: UnsafeRawBufferPointer) {
        self.count += 1
        self.body.reserveCapacity(self.body.count + bytes.count + 16)
        self.body.append(UInt8(ascii: "$"))
        self.body += String(bytes.count).utf8
        self.body += [13, 10]
        self.body += bytes
        self.body += [13, 10]
    }

    /// Adds the arguments of another command, its name included.
    mutating func append(contentsOf other: RedisCommand) {
        self.count += other.count
        self.body += other.body
    }

    var encoded: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(self.body.count + 12)
        bytes.append(UInt8(ascii: "*"))
        bytes += String(self.count).utf8
        bytes += [13, 10]
        bytes += self.body
        return bytes
    }
}
