import Glibc

/// An open file descriptor, closed when the last reference goes.
final class Descriptor {
    let number: Int32

    init(_ number: Int32) { self.number = number }

    deinit { close(self.number) }
}
