import HTTPServer
import JSON

/// Makes `/openapi.json` from the routes.
enum OpenAPIDocument {
    static func render(_ routes: [APIRoute], version: String) -> [UInt8] {
        var writer = JSONWriter(reserving: 65_536)
        writer.beginObject()
        writer.field("openapi", "3.1.0")
        writer.object("info") { writer in
            writer.field("title", "Sandbox")
            writer.field("version", version)
            writer.field("description", "Runs untrusted code in sandboxes.")
        }
        writer.object("paths") { writer in self.writePaths(of: routes, to: &writer) }
        writer.object("components") { writer in
            writer.object("schemas") { writer in
                for (name, schema) in Schemas.all {
                    writer.key(name)
                    schema.write(to: &writer)
                }
            }
            writer.object("securitySchemes") { writer in
                writer.object("internalToken") { writer in
                    writer.field("type", "http")
                    writer.field("scheme", "bearer")
                }
            }
        }
        writer.endObject()
        return writer.bytes
    }

    /// The pattern as OpenAPI writes it: a tail parameter has no dots there.
    static func path(_ pattern: String) -> String { pattern.split(separator: "...").joined() }

    private static func writePaths(of routes: [APIRoute], to writer: inout JSONWriter) {
        var order: [String] = []
        var byPath: [String: [APIRoute]] = [:]
        for route in routes {
            let path = self.path(route.pattern)
            if byPath[path] == nil { order.append(path) }
            byPath[path, default: []].append(route)
        }
        for path in order {
            writer.key(path)
            writer.beginObject()
            for route in byPath[path] ?? [] {
                writer.key(route.method.rawValue.lowercased())
                self.write(route, to: &writer)
            }
            writer.endObject()
        }
    }

    private static func write(_ route: APIRoute, to writer: inout JSONWriter) {
        let document = route.document
        writer.beginObject()
        writer.field("tags", [document.tag])
        writer.field("summary", document.summary)
        if !document.text.isEmpty { writer.field("description", document.text) }
        writer.field("operationId", self.operationID(route))
        if document.isProtected {
            writer.array("security", [0]) { writer, _ in writer.object { $0.field("internalToken", [String]()) } }
        }
        writer.array("parameters", document.parameters) { writer, parameter in
            writer.object { writer in
                writer.field("name", parameter.name)
                writer.field("in", parameter.place.rawValue)
                writer.field("required", parameter.isRequired)
                writer.field("description", parameter.text)
                writer.key("schema")
                parameter.schema.write(to: &writer)
            }
        }
        if let request = document.request {
            writer.object("requestBody") { writer in
                writer.field("required", document.isRequestRequired)
                self.write(request, to: &writer)
            }
        }
        writer.object("responses") { writer in
            for response in document.responses {
                writer.key("\(response.status)")
                writer.object { writer in
                    writer.field("description", response.text)
                    if let content = response.content { self.write(content, to: &writer) }
                }
            }
        }
        writer.endObject()
    }

    private static func write(_ content: RouteDocument.Content, to writer: inout JSONWriter) {
        writer.object("content") { writer in
            writer.key(content.type)
            writer.object { writer in
                writer.key("schema")
                content.schema.write(to: &writer)
            }
        }
    }

    private static func operationID(_ route: APIRoute) -> String {
        let words = route.pattern.split { !$0.isLetter && !$0.isNumber && $0 != "_" && $0 != "-" }
        return ([route.method.rawValue.lowercased()] + words.map(String.init)).joined(separator: "_")
    }
}
