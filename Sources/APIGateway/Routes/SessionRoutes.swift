import HTTPServer
import JSON
import Messages
import StateStore

/// Creating, reading and ending sessions.
struct SessionRoutes: Sendable {
    static let tag = "Sessions"
    static let path = APIRoute.base + "/sessions"

    let context: GatewayContext

    var routes: [APIRoute] {
        [
            APIRoute(
                .post,
                Self.path,
                body: .buffered(limit: Limits.body),
                document: RouteDocument(Self.tag, "Create a session", "Its sandbox is started at once.")
                    .body("CreateSession").answers(201, "The session, creating", .reference("Session"))
                    .refuses(
                        (400, "There is no such template"),
                        (409, "The id is taken"),
                        (422, "The request is not valid"),
                        (429, "There is no room for it now")
                    )
            ) { try await self.create($0) },
            APIRoute(
                .get,
                Self.path,
                document: RouteDocument(Self.tag, "List sessions", "Newest first.")
                    .query("status", .string(), "Only those in it")
                    .query("template_id", .string(), "Only those made from it").paged()
                    .answers(200, "The sessions", .reference("SessionList")).refuses((422, "The request is not valid"))
            ) { try await self.list($0) },
            APIRoute(
                immediate: .get,
                Self.path + "/{id}",
                document: self.document("Read a session").answers(200, "The session", .reference("Session"))
                    .refuses((404, "There is no such session"))
            ) { .json(200, try self.context.document(.session(SessionID($0.parameter("id"))))) },
            APIRoute(
                .post,
                Self.path + "/{id}/terminate",
                document: self.document("End a session", "The sandbox and its files go, the record stays.")
                    .answers(200, "The session, terminated", .reference("Session"))
                    .refuses((404, "There is no such session"))
            ) { try await self.terminate($0) },
            APIRoute(
                .delete,
                Self.path + "/{id}",
                document: self.document("Delete a session", "With its sandbox, its files and its executions.")
                    .answers(204, "It is deleted").refuses((404, "There is no such session"))
            ) { try await self.delete($0) },
        ]
    }

    private func document(_ summary: String, _ text: String = "") -> RouteDocument {
        RouteDocument(Self.tag, summary, text).path("id", "The session")
    }

    private func create(_ request: HTTPRequest) async throws -> HTTPResponse {
        let asked = try SessionRequest(request, defaults: self.context.configuration.timeouts)
        // It may have been made at another gateway a moment ago.
        try await self.context.shared?.refresh(.template(asked.templateID))
        guard let template = try self.context.model.template(asked.templateID) else {
            throw APIError.badRequest("template_not_found", "there is no template '\(asked.templateID)'")
        }
        let spec = asked.spec(from: template, maxProcesses: self.context.configuration.maxProcesses, now: .now())
        try await self.context.commands.perform(.createSession(spec))
        return .json(201, try self.answer(spec))
    }

    /// The session as it was made: `creating`, though a claimed sandbox may be ready by now. The next read says so.
    private func answer(_ spec: SessionSpec) throws -> [UInt8] {
        var session = try self.context.session(spec.id)
        session.status = .creating
        (session.node, session.container, session.problem, session.completedAt) = (nil, nil, nil, nil)
        if !spec.dependencies.dependencies.isEmpty {
            session.dependencies = DependencyState(
                status: .installing,
                startedAt: session.dependencies.startedAt ?? spec.createdAt
            )
        }
        return self.context.documents.render(.session(session))
    }

    private func list(_ request: HTTPRequest) async throws -> HTTPResponse {
        var query = QueryReader(request)
        let (limit, offset) = (query.limit(), query.offset())
        try query.finish()
        let name = query.text("status")
        let status = name.flatMap { SessionStatus(name: $0) }
        let template = query.text("template_id").map { TemplateID($0) }
        let page =
            name != nil && status == nil
            ? Page<Session>(items: [], total: 0)
            : try await self.context.list {
                try $0.sessions(status: status, template: template, limit: limit, offset: offset)
            }
        return .json(
            200,
            self.context.documents.list(page.items, total: page.total, limit: limit, offset: offset)
        )
    }

    private func terminate(_ request: HTTPRequest) async throws -> HTTPResponse {
        let id = SessionID(request.parameter("id"))
        try await self.context.commands.perform(.terminateSession(id))
        return .json(200, try self.context.document(.session(id)))
    }

    private func delete(_ request: HTTPRequest) async throws -> HTTPResponse {
        try await self.context.commands.perform(.deleteSession(SessionID(request.parameter("id"))))
        return HTTPResponse(204)
    }
}
