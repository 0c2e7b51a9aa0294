import Glibc

/// What a system call answered.
package struct SystemError: Error, Sendable, CustomStringConvertible {
    package let number: Int32
    package let call: String

    package init(_ number: Int32, in call: String) {
        self.number = number
        self.call = call
    }

    /// Of the call that just failed on this thread.
    package static func last(in call: String) -> SystemError { SystemError(errno, in: call) }

    package var description: String { "\(self.call): \(String(cString: strerror(self.number))) (\(self.number))" }
}
