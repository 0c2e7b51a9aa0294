/// How a program ended.
public struct ProgramEnd: Sendable, Equatable {
    /// The exit status, or the signal's number.
    public var status: Int32
    public var isSignal: Bool

    public static func exit(_ status: Int32) -> ProgramEnd { ProgramEnd(status: status, isSignal: false) }
    public static func signal(_ number: Int32) -> ProgramEnd { ProgramEnd(status: number, isSignal: true) }

    /// - Parameter status: As `waitpid` tells it.
    init(waitStatus status: Int32) {
        let signal = status & 0x7f
        self.init(status: signal == 0 ? status >> 8 & 0xff : signal, isSignal: signal != 0)
    }

    private init(status: Int32, isSignal: Bool) {
        self.status = status
        self.isSignal = isSignal
    }
}
