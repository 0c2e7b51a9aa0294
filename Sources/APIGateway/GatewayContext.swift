import Crypto
import HTTPServer
import MessageBus
import Messages
import SandboxRuntime
import ServiceKit
import StateStore

/// What the routes share.
struct GatewayContext: Sendable {
    let configuration: APIGatewayConfiguration
    let partitions: Int
    let bus: any MessageBus
    let model: ReadModel
    /// What keeps this view and those of other gateways together; `nil` where there are none.
    let shared: SharedView?
    let commands: CommandPublisher
    let workspaces: any WorkspaceAccess
    let documents: Documents
    let health: HealthMonitor
    let metrics: GatewayMetrics
    let logger: Logger

    /// Asks the view for a list that holds everything any gateway has shown.
    func list<Result: Sendable>(
        _ query: @escaping @Sendable (ReadModelQueries) throws -> Result
    ) async throws -> Result {
        try await self.shared?.catchUp()
        return try await self.model.list(query)
    }

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

    /// Lets only those in who have the internal token, before anything is said about ids or bodies.
    ///
    /// - Throws: 401.
    func checkToken(_ request: HTTPRequest) throws {
        guard let token = self.configuration.internalToken else {
            throw APIError(401, "internal_calls_off", "this installation takes no internal calls")
        }
        let given = request.header("Authorization") ?? ""
        let prefix = "bearer "
        guard given.lowercased().hasPrefix(prefix),
            ConstantTime.areEqual(Array(given.utf8.dropFirst(prefix.utf8.count)), Array(token.reveal().utf8))
        else { throw APIError(401, "unauthorized", "a valid bearer token is needed") }
    }
}
