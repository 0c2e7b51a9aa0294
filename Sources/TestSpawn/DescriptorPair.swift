import Glibc

/// The two ends of a pipe, neither of which other programs get.
public struct DescriptorPair: Sendable {
    public let reading: Int32
    public let writing: Int32

    /// - Throws: ``SpawnError`` when the system has no descriptors.
    public init() throws {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw SpawnError("no pipe: \(String(cString: strerror(errno)))") }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        (self.reading, self.writing) = (ends[0], ends[1])
    }

    public func close() {
        Glibc.close(self.reading)
        Glibc.close(self.writing)
    }

    /// Blocks for what comes next; empty at the end.
    public static func read(_ descriptor: Int32) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: 65_536) { buffer, count in
            while true {
                let length = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
                if length < 0, errno == EINTR { continue }
                count = max(length, 0)
                return
            }
        }
    }
}
