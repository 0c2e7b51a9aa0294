import Cluster
import Foundation
import ServiceKit

@main
enum DispatcherMain {
    static func main() async {
        let command = DispatcherCommand.root(environment: ProcessInfo.processInfo.environment)
        exit(await command.run(Array(CommandLine.arguments.dropFirst())))
    }
}
