import Glibc
import ServiceKit

/// An open file to be sent, or a range of it. Closes its descriptor, unless the server took it over to send it.
public final class HTTPFile: Sendable {
    private let descriptor: Locked<Int32?>
    /// Where to begin, in bytes.
    public let offset: Int
    /// How many bytes to send; the file must have them.
    public let length: Int

    /// Takes over `descriptor`.
    public init(owning descriptor: Int32, offset: Int = 0, length: Int) {
        self.descriptor = Locked(descriptor)
        self.offset = offset
        self.length = length
    }

    deinit {
        if let descriptor = self.take() { close(descriptor) }
    }

    /// The descriptor, which the caller closes from now on; `nil` the second time.
    func take() -> Int32? {
        self.descriptor.withLock { descriptor in
            defer { descriptor = nil }
            return descriptor
        }
    }
}
