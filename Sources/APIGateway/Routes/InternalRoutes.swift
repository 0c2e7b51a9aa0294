import HTTPServer
import JSON
import MessageBus
import Messages
import ServiceKit

/// What an executor outside of our worker nodes may report. Each report becomes an event on the log.
struct InternalRoutes: Sendable {
    private static let tag = "Internal"
    private static let path = APIRoute.base + "/internal"

    let context: GatewayContext

    var routes: [APIRoute] {
        [
            self.route("/sessions/{id}/container_ready", "A session's container is ready", "ContainerReport") {
                try await self.ready($0, session: SessionID($0.parameter("id")))
            },
            self.route("/sessions/{id}/container_exited", "A session's container has ended", "ContainerReport") {
                try await self.exited($0, session: SessionID($0.parameter("id")))
            },
            self.route("/containers/ready", "A container is ready", "ContainerReport") {
                try await self.ready($0, session: nil)
            },
            self.route("/containers/exited", "A container has ended", "ContainerReport") {
                try await self.exited($0, session: nil)
            },
            self.route("/executions/{id}/heartbeat", "An execution still runs", "Report") {
                try await self.heartbeat($0)
            },
            self.route("/executions/{id}/result", "An execution has ended", "ExecutionResult") {
                try await self.result($0)
            },
        ]
    }

    private func route(
        _ path: String,
        _ summary: String,
        _ schema: String,
        _ handler: @escaping APIRoute.Handler
    ) -> APIRoute {
        var document = RouteDocument(Self.tag, summary)
        if path.contains("{id}") { document = document.path("id", "The session or execution") }
        document = document.body(schema, isRequired: schema == "ExecutionResult")
            .answers(200, "It is on the log, or was known", .reference("Message"))
            .refuses((404, "There is no such session or execution"), (422, "The request is not valid")).protected()
        return APIRoute(
            .post,
            Self.path + path,
            // An outcome with both outputs at their limit, escaped.
            body: .buffered(limit: 16 * 1_048_576),
            document: document,
            handler: handler
        ).admitting { try self.context.checkToken($0) }
    }

    private func ready(_ request: HTTPRequest, session id: SessionID?) async throws -> HTTPResponse {
        let known = try id.map { try self.context.session($0) }
        let report = try InternalRequests.container(request, session: id)
        let session = try known ?? self.context.session(report.session)
        let reference = self.reference(report, of: session)
        try await self.publish(.sessionReady(reference, node: report.node ?? session.node ?? NodeID("external")))
        return Self.done("the container is ready")
    }

    private func exited(_ request: HTTPRequest, session id: SessionID?) async throws -> HTTPResponse {
        let known = try id.map { try self.context.session($0) }
        let report = try InternalRequests.container(request, session: id)
        let session = try known ?? self.context.session(report.session)
        let code = report.exitCode.map { "exit code \($0)" } ?? "no exit code"
        let problem = Problem("container_exited", "the container ended: \(report.reason ?? code)")
        try await self.publish(.containerExited(self.reference(report, of: session), problem))
        return Self.done("the container has ended")
    }

    private func heartbeat(_ request: HTTPRequest) async throws -> HTTPResponse {
        let execution = try self.context.execution(ExecutionID(request.parameter("id")))
        try InternalRequests.checkHeartbeat(request)
        if !execution.status.isTerminal {
            let reference = ExecutionReference(
                execution: execution.spec.id,
                session: execution.spec.session,
                attempt: execution.attempt
            )
            try await self.publish(.executionHeartbeat(reference))
        }
        return Self.done("the heartbeat is noted")
    }

    private func result(_ request: HTTPRequest) async throws -> HTTPResponse {
        let execution = try self.context.execution(ExecutionID(request.parameter("id")))
        let ended = try InternalRequests.result(request, of: execution, now: .now())
        // What has ended stays as it is.
        if !execution.status.isTerminal { try await self.publish(.executionEnded(ended)) }
        return Self.done("the result is noted")
    }

    private func reference(_ report: InternalRequests.ContainerReport, of session: Session) -> SessionReference {
        SessionReference(
            session: session.spec.id,
            incarnation: session.spec.incarnation,
            container: report.container ?? session.container
        )
    }

    private func publish(_ event: Event) async throws {
        let envelope = Envelope(at: .now(), event)
        try await self.context.bus.publish(
            [OutgoingMessage(topic: Topics.events, key: event.key ?? "", body: envelope.encoded())],
            durability: .flushed
        )
    }

    private static func done(_ message: String) -> HTTPResponse {
        var writer = JSONWriter(reserving: 64)
        writer.object { $0.field("message", message) }
        return .json(200, writer.bytes)
    }
}
