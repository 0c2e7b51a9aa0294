import HTTPServer
import JSON
import Messages
import StateStore

/// The worker nodes, and taking one out of use.
struct NodeRoutes: Sendable {
    private static let tag = "Nodes"
    private static let path = APIRoute.base + "/nodes"

    let context: GatewayContext

    var routes: [APIRoute] {
        [
            APIRoute(
                .get,
                Self.path,
                document: RouteDocument(Self.tag, "List worker nodes", "Those that were ever heard of, by name.")
                    .answers(200, "The nodes", .reference("NodeList"))
            ) { try await self.list($0) },
            self.change("/drain", "Take a node out of use", "It gets no further session; those it has go on.", true),
            self.change("/undrain", "Take a node into use again", "", false),
        ]
    }

    private func change(_ suffix: String, _ summary: String, _ text: String, _ isDraining: Bool) -> APIRoute {
        APIRoute(
            .post,
            Self.path + "/{id}" + suffix,
            document: RouteDocument(Self.tag, summary, text).path("id", "The node")
                .answers(200, "The node was told", .reference("Message"))
                .refuses((404, "There is no such node")).protected()
        ) { request in
            let id = NodeID(request.parameter("id"))
            try await self.context.commands.perform(.drainNode(id, isDraining: isDraining))
            var writer = JSONWriter(reserving: 64)
            writer.object { $0.field("message", "the node was told; its status shows when it has done so") }
            return .json(200, writer.bytes)
        }.admitting { try self.context.checkToken($0) }
    }

    private func list(_ request: HTTPRequest) async throws -> HTTPResponse {
        let nodes = try await self.context.list { try $0.nodes() }
        var writer = JSONWriter(reserving: 512)
        writer.beginObject()
        writer.array("items", nodes) { writer, node in Self.write(node, to: &writer) }
        writer.field("total", nodes.count)
        writer.endObject()
        return .json(200, writer.bytes)
    }

    private static func write(_ node: Node, to writer: inout JSONWriter) {
        let heartbeat = node.heartbeat
        writer.beginObject()
        writer.field("id", heartbeat.node.rawValue)
        writer.field("status", node.status.name)
        writer.field("runtime", heartbeat.runtime)
        writer.field("sessions", heartbeat.sessions)
        writer.field("capacity", heartbeat.capacity)
        writer.field("warm_sandboxes", heartbeat.warm.values.reduce(0, +))
        writer.field("images", heartbeat.images.joined(separator: " "))
        writer.field("updated_at", node.updatedAt.description)
        writer.endObject()
    }
}
