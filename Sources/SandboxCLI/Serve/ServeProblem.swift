internal import APIGateway
internal import HTTPServer
internal import MessageBus
internal import SQLite
internal import SandboxRuntime
internal import ServiceKit

/// Says why the platform cannot run, and what to do about it.
enum ServeProblem {
    static func describe(_ error: any Error, _ configuration: ServeConfiguration) -> String {
        if let problem = error as? HTTPServerError, problem.code == .addressInUse {
            let http = configuration.gateway.http
            return """
                port \(http.port) on \(http.host) is in use.
                Stop the program that listens there, or choose another port: sandbox serve --port \(Int(http.port) + 1)
                """
        }
        if let storage = Self.storage(error) {
            switch storage.code {
            case .locked:
                return """
                    the data folder \(configuration.dataFolder) is in use by another sandbox serve.
                    Stop it, or use a folder of your own: sandbox serve --data DIR (\(storage.message))
                    """
            case .full:
                return """
                    the disk of \(configuration.dataFolder) is full; nothing that was accepted is lost.
                    Free some space and start again.
                    """
            case .newerSchema:
                return "the data folder \(configuration.dataFolder) was written by a newer version: \(storage.message)"
            default: break
            }
        }
        if let error = error as? ConfigurationError { return "\(error)" }
        return "\(error)"
    }

    private static func storage(_ error: any Error) -> SQLiteError? {
        switch error {
        case let error as SQLiteError: error
        case let error as BusError: error.cause.flatMap { self.storage($0) }
        default: nil
        }
    }
}
