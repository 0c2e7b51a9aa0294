import MessageBus
import Messages
import SandboxRuntime
import ServiceKit

/// What the routes share.
struct GatewayContext: Sendable {
    let configuration: APIGatewayConfiguration
    let partitions: Int
    let bus: any MessageBus
    let model: ReadModel
    let commands: CommandPublisher
    let workspaces: any WorkspaceAccess
    let documents: Documents
    let health: HealthMonitor
    let metrics: GatewayMetrics
    let logger: Logger

    /// - Throws: 404.
    func session(_ id: SessionID) throws -> Session {
        guard let session = try self.model.session(id) else { throw APIError.notFound(.session(id)) }
        return session
    }

    /// - Throws: 404, or 409 if the session has ended.
    func activeSession(_ id: SessionID) throws -> Session {
        let session = try self.session(id)
        guard session.status.isActive else {
            throw APIError.conflict("session_not_active", "the session '\(id)' is \(session.status.name)")
        }
        return session
    }

    /// - Throws: 404.
    func execution(_ id: ExecutionID) throws -> Execution {
        guard let execution = try self.model.execution(id) else { throw APIError.notFound(.execution(id)) }
        return execution
    }

    /// The newest record as it is answered.
    ///
    /// - Throws: 404.
    func document(_ key: StateKey) throws -> [UInt8] {
        guard let document = try self.model.document(key) else { throw APIError.notFound(key) }
        return document
    }
}
