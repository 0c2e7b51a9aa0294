import Cluster
import Foundation
import ServiceKit

@main
enum WorkerNodeMain {
    static func main() async {
        let command = WorkerNodeCommand.root(environment: ProcessInfo.processInfo.environment)
        exit(await command.run(Array(CommandLine.arguments.dropFirst())))
    }
}
