import HTTPServer
import ServiceKit

/// What describes the API and the process, at the root.
struct DocumentationRoutes: Sendable {
    private static let tag = "About"

    let registry: MetricsRegistry
    /// Every route but these.
    let documented: [APIRoute]

    var routes: [APIRoute] {
        let own = [self.root, self.docs, self.metrics]
        let specification = Locked<[UInt8]>([])
        let openAPI = APIRoute(
            immediate: .get,
            "/openapi.json",
            document: RouteDocument(Self.tag, "Read this description").answers(200, "OpenAPI 3.1", .map(.any))
        ) { _ in .json(200, specification.withLock { $0 }) }.answeringWhileStarting()
        let all = self.documented + own + [openAPI]
        let rendered = OpenAPIDocument.render(all, version: HealthMonitor.version)
        specification.withLock { $0 = rendered }
        return own + [openAPI]
    }

    private var root: APIRoute {
        APIRoute(
            immediate: .get,
            "/",
            document: RouteDocument(Self.tag, "Go to the documentation").answers(307, "To /docs")
        ) { _ in HTTPResponse(307, headers: [HTTPHeader("Location", "/docs")]) }.answeringWhileStarting()
    }

    private var docs: APIRoute {
        let page = Array(DocumentationPage.html.utf8)
        return APIRoute(
            immediate: .get,
            "/docs",
            document: RouteDocument(Self.tag, "Read the documentation")
                .answers(200, "A page", .init(type: "text/html", schema: .string()))
        ) { _ in
            HTTPResponse(
                200,
                contentType: "text/html; charset=utf-8",
                headers: [HTTPHeader("Content-Security-Policy", DocumentationPage.policy)],
                body: .bytes(page)
            )
        }.answeringWhileStarting()
    }

    private var metrics: APIRoute {
        APIRoute(
            immediate: .get,
            "/metrics",
            document: RouteDocument(Self.tag, "Read the metrics")
                .answers(200, "Prometheus text", .init(type: "text/plain", schema: .string()))
        ) { _ in
            HTTPResponse(
                200,
                contentType: "text/plain; version=0.0.4; charset=utf-8",
                body: .bytes(Array(self.registry.render().utf8))
            )
        }.answeringWhileStarting()
    }
}
