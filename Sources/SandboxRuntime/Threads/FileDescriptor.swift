import Glibc

/// Owns one descriptor and closes it in `deinit`, so that its number is never reused while somebody may use it.
final class FileDescriptor: Sendable {
    let number: Int32

    init(_ number: Int32) { self.number = number }

    deinit { Glibc.close(self.number) }
}
