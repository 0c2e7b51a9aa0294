import Cluster
import Foundation
import ServiceKit

@main
enum APIGatewayMain {
    static func main() async {
        let command = APIGatewayCommand.root(environment: ProcessInfo.processInfo.environment)
        exit(await command.run(Array(CommandLine.arguments.dropFirst())))
    }
}
