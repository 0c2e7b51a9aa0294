import AgentProtocol

/// An execution in the form in which an interpreter reads it from its channel: a length (`UInt32`), then the content.
enum Order {
    /// For Python: what its `marshal` module reads, which is built in and needs no parsing in Python.
    static func python(_ request: ExecuteRequest, environment: [EnvironmentVariable]) -> [UInt8] {
        var order = OrderWriter(capacity: request.code.count + request.event.count + 256)
        order.append(0x28)  // a tuple
        order.append(length: 9)
        order.append(0x73)  // bytes
        order.append(section: request.code)
        order.append(0x73)
        order.append(section: request.event)
        order.append(0x7B)  // a dictionary
        for variable in environment {
            order.append(0x75)  // text
            order.append(section: Array(variable.name.utf8))
            order.append(0x75)
            order.append(section: Array(variable.value.utf8))
        }
        order.append(0x30)  // its end
        order.append(0x75)
        order.append(section: Array(request.id.rawValue.utf8))
        order.append(0x67)  // a float
        order.append(float: request.timeout / .seconds(1))
        order.append(0x69)  // an integer
        order.append(length: request.resultLimit)
        let limits = request.limits
        for limit in [limits.maximumProcesses, limits.maximumFileSize, limits.maximumOpenFiles] {
            order.append(0x67)
            order.append(float: Double(limit ?? -1))
        }
        return order.finish()
    }

    /// For Node.js: sections of a length and bytes, numbers as text.
    static func node(_ request: ExecuteRequest, environment: [EnvironmentVariable]) -> [UInt8] {
        var order = OrderWriter(capacity: request.code.count + request.event.count + 256)
        order.append(section: request.code)
        order.append(section: request.event)
        order.append(section: Array(request.id.rawValue.utf8))
        order.append(section: Array("\(request.timeout / .seconds(1))".utf8))
        order.append(section: Array("\(request.resultLimit)".utf8))
        for variable in environment {
            order.append(section: Array(variable.name.utf8))
            order.append(section: Array(variable.value.utf8))
        }
        return order.finish()
    }
}

private struct OrderWriter {
    private var bytes: [UInt8] = []

    init(capacity: Int) {
        self.bytes.reserveCapacity(capacity)
        self.bytes.append(contentsOf: [0, 0, 0, 0])
    }

    mutating func append(_ byte: UInt8) { self.bytes.append(byte) }

    mutating func append(length: Int) {
        for index in 0..<4 { self.bytes.append(UInt8(truncatingIfNeeded: length >> (8 * index))) }
    }

    mutating func append(float: Double) {
        for index in 0..<8 { self.bytes.append(UInt8(truncatingIfNeeded: float.bitPattern >> UInt64(8 * index))) }
    }

    mutating func append(section: [UInt8]) {
        self.append(length: section.count)
        self.bytes.append(contentsOf: section)
    }

    func finish() -> [UInt8] {
        var order = self.bytes
        for index in 0..<4 { order[index] = UInt8(truncatingIfNeeded: (order.count - 4) >> (8 * index)) }
        return order
    }
}
