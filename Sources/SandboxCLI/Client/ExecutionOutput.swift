internal import JSON
internal import ServiceKit

/// Shows an ended execution as its program would have: its output, its exit status.
enum ExecutionOutput {
    /// As `timeout(1)` has it.
    static let timedOut: Int32 = 124
    /// The platform, not the program, ended it.
    static let notRun: Int32 = 125

    /// Prints the program's output and result, and returns the exit status to end with.
    static func show(_ answer: [UInt8], _ arguments: Arguments) throws -> Int32 {
        let execution = try JSONObjectReader(answer)
        let status = try execution.string("status")
        if arguments.flag("json") {
            Output.write(answer + [10])
        } else {
            Output.write(Array(try execution.string("stdout").utf8))
            Output.write(Array(try execution.string("stderr").utf8), to: 2)
            if let result = execution.rawBytes("return_value"), String(decoding: result, as: UTF8.self) != "null" {
                Output.write(Array(result) + [10])
            }
        }
        // `nil` where the program had no chance to set one.
        let exitCode = try execution.optionalInt("exit_code")
        let message = execution.text("error_message")
        switch status {
        case "completed": return 0
        case "timeout":
            Output.line(
                "sandbox: the program ran longer than its \(execution.text("timeout")) s; give it more with --timeout",
                to: 2
            )
            return self.timedOut
        case "failed":
            let code = Int32(truncatingIfNeeded: exitCode ?? 1)
            // A program that chose its exit status has said what it wanted to say.
            if exitCode == nil { Output.line("sandbox: \(message)", to: 2) }
            return code == 0 ? 1 : code & 0xFF
        default:
            Output.line("sandbox: the execution is \(status): \(message)", to: 2)
            return self.notRun
        }
    }
}
