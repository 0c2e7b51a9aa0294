import AgentProtocol
import Glibc

/// Shell scripts: a process each, with the event on its standard input.
struct Shell {
    let path: String
    let configuration: AgentConfiguration

    /// Arguments of a program are limited to 128 KiB each by the kernel.
    private static let longestArgument = 100 << 10

    func start(_ request: ExecuteRequest, protecting pids: [Int32]) throws(AgentError) -> Worker {
        let pipes = try WorkerPipes(hasChannel: false)
        let event = try Program.open(request.event.isEmpty ? Array("{}".utf8) : request.event, name: "event")
        // An argument gives messages the name of the script; what does not fit is read from a descriptor.
        let isArgument = request.code.count <= Self.longestArgument && !request.code.contains(0)
        let script = isArgument ? nil : try Program.open(request.code, name: "script")
        let code = isArgument ? String(decoding: request.code, as: UTF8.self) : ". /proc/self/fd/3"
        let program = Program(
            path: self.path,
            arguments: [self.path, "-c", code, "main.sh"],
            environment: self.configuration.environment(with: request.passableEnvironment),
            directory: self.configuration.workspacePath,
            limits: request.limits,
            protectedPIDs: pids
        )
        let pid = try program.start(
            input: event.number,
            output: pipes.stdout.number,
            errors: pipes.stderr.number,
            channel: script?.number
        )
        return Worker(pid: pid, ends: pipes.ours)
    }
}
