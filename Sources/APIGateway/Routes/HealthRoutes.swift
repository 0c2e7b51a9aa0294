import HTTPServer
import JSON
import Messages

/// How the installation is, and its reconciliation.
struct HealthRoutes: Sendable {
    private static let tag = "Health"

    let context: GatewayContext

    var routes: [APIRoute] {
        [
            self.summary("/health"), self.summary(APIRoute.base + "/health"),
            APIRoute(
                .get,
                APIRoute.base + "/health/detailed",
                document: RouteDocument(Self.tag, "Ask every dependency")
                    .answers(200, "What each said", .reference("DetailedHealth"))
            ) { await self.detailed($0) }.answeringWhileStarting(),
            APIRoute(
                .post,
                APIRoute.base + "/health/sync",
                document: RouteDocument(Self.tag, "Reconcile now", "Compares what should run with what runs.")
                    .answers(200, "What was found", .reference("Findings"))
                    .refuses((503, "The dispatcher does not answer"))
            ) { try await self.reconcile($0) },
        ]
    }

    private func summary(_ path: String) -> APIRoute {
        var route = APIRoute(
            .get,
            path,
            document: RouteDocument(Self.tag, "Read the health").answers(200, "The health", .reference("Health"))
        ) { _ in self.answer(await self.context.health.status()) }
        route.immediate = { _ in self.context.health.fresh.map { self.answer($0) } }
        return route.answeringWhileStarting()
    }

    private func answer(_ status: HealthStatus) -> HTTPResponse {
        var writer = JSONWriter(reserving: 96)
        writer.beginObject()
        self.write(status, to: &writer)
        writer.endObject()
        return .json(200, writer.bytes)
    }

    private func write(_ status: HealthStatus, to writer: inout JSONWriter) {
        writer.field("status", status.rawValue)
        writer.field("version", HealthMonitor.version)
        writer.field("uptime", self.context.health.uptime)
    }

    private func detailed(_ request: HTTPRequest) async -> HTTPResponse {
        let report = await self.context.health.report()
        var writer = JSONWriter()
        writer.beginObject()
        self.write(report.status, to: &writer)
        writer.object("dependencies") { writer in
            for (name, answer) in report.answers {
                writer.key(name)
                writer.object { writer in
                    writer.field("status", answer.status.rawValue)
                    writer.field("detail", answer.detail)
                }
            }
        }
        writer.endObject()
        return .json(200, writer.bytes)
    }

    private func reconcile(_ request: HTTPRequest) async throws -> HTTPResponse {
        let findings = try await self.context.commands.reconcile(partitions: self.context.partitions)
        var writer = JSONWriter()
        writer.beginObject()
        writer.field("message", "the reconciliation is done")
        writer.object("findings") { writer in
            for (name, count) in findings.sorted(by: { $0.key < $1.key }) {
                writer.key(name)
                writer.int(count)
            }
        }
        writer.endObject()
        return .json(200, writer.bytes)
    }
}
