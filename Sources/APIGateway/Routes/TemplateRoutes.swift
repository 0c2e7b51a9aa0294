import HTTPServer
import JSON
import Messages
import StateStore

/// Creating, reading, changing and deleting templates.
struct TemplateRoutes: Sendable {
    private static let tag = "Templates"
    private static let path = APIRoute.base + "/templates"

    let context: GatewayContext

    var routes: [APIRoute] {
        [
            APIRoute(
                .post,
                Self.path,
                body: .buffered(limit: Limits.body),
                document: RouteDocument(Self.tag, "Create a template").body("CreateTemplate")
                    .answers(201, "The template", .reference("Template"))
                    .refuses((409, "The id or the name is taken"), (422, "The request is not valid"))
            ) { try await self.create($0) },
            APIRoute(
                .get,
                Self.path,
                document: RouteDocument(Self.tag, "List templates", "By name.").paged()
                    .answers(200, "The templates", .array(.reference("Template"), count: nil))
                    .refuses((422, "The request is not valid"))
            ) { try await self.list($0) },
            APIRoute(
                immediate: .get,
                Self.path + "/{id}",
                document: self.document("Read a template").answers(200, "The template", .reference("Template"))
                    .refuses((404, "There is no such template"))
            ) { .json(200, try self.context.document(.template(TemplateID($0.parameter("id"))))) },
            APIRoute(
                .put,
                Self.path + "/{id}",
                body: .buffered(limit: Limits.body),
                document: self.document("Change a template", "What is absent stays.").body("UpdateTemplate")
                    .answers(200, "The template", .reference("Template"))
                    .refuses(
                        (404, "There is no such template"),
                        (409, "The name is taken"),
                        (422, "The request is not valid")
                    )
            ) { try await self.update($0) },
            APIRoute(
                .delete,
                Self.path + "/{id}",
                document: self.document("Delete a template", "Sessions that were made from it go on.")
                    .answers(200, "It is deleted", .reference("Message"))
                    .refuses((404, "There is no such template"))
            ) { try await self.delete($0) },
        ]
    }

    private func document(_ summary: String, _ text: String = "") -> RouteDocument {
        RouteDocument(Self.tag, summary, text).path("id", "The template")
    }

    private func create(_ request: HTTPRequest) async throws -> HTTPResponse {
        let template = try TemplateRequest.create(request, now: .now())
        try await self.context.commands.perform(.createTemplate(template))
        return .json(201, try self.context.document(.template(template.id)))
    }

    private func list(_ request: HTTPRequest) async throws -> HTTPResponse {
        var query = QueryReader(request)
        let (limit, offset) = (query.limit(), query.offset())
        try query.finish()
        let templates = try await self.context.list { try $0.templates(limit: limit, offset: offset) }
        var writer = JSONWriter(reserving: 64 + 512 * templates.count)
        writer.beginArray()
        for template in templates { self.context.documents.write(template, to: &writer) }
        writer.endArray()
        return .json(200, writer.bytes)
    }

    private func update(_ request: HTTPRequest) async throws -> HTTPResponse {
        let id = TemplateID(request.parameter("id"))
        let change = try TemplateRequest.update(id, request)
        try await self.context.commands.perform(.updateTemplate(change))
        return .json(200, try self.context.document(.template(id)))
    }

    private func delete(_ request: HTTPRequest) async throws -> HTTPResponse {
        let id = TemplateID(request.parameter("id"))
        try await self.context.commands.perform(.deleteTemplate(id))
        var writer = JSONWriter()
        writer.object { $0.field("message", "the template '\(id)' is deleted") }
        return .json(200, writer.bytes)
    }
}
