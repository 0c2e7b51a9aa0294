import Foundation
import SandboxCLI
import ServiceKit

@main
enum SandboxMain {
    static func main() async {
        let command = SandboxCommand.root(environment: ProcessInfo.processInfo.environment)
        exit(await command.run(Array(CommandLine.arguments.dropFirst())))
    }
}
