import Glibc

/// What a system call answered.
struct SystemError: Error, Sendable, CustomStringConvertible {
    let number: Int32
    let call: String

    init(_ number: Int32, in call: String) {
        self.number = number
        self.call = call
    }

    /// Of the call that just failed on this thread.
    static func last(in call: String) -> SystemError { SystemError(errno, in: call) }

    var description: String { "\(self.call): \(String(cString: strerror(self.number))) (\(self.number))" }
}
