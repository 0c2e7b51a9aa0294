import Glibc
import SandboxAgent

@main
enum SandboxAgentMain {
    static func main() {
        exit(SandboxAgent.run(arguments: CommandLine.arguments))
    }
}
