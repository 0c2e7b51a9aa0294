import Glibc

/// Owns one descriptor and closes it in `deinit`, so that its number is never reused while somebody may use it.
package final class FileDescriptor: Sendable {
    package let number: Int32

    package init(_ number: Int32) { self.number = number }

    deinit { Glibc.close(self.number) }
}
