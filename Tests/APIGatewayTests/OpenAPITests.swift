import Foundation
import HTTPClient
import HTTPServer
import Testing

@testable import APIGateway

@Suite struct OpenAPITests {
    @Test(.timeLimit(.minutes(10))) func everyRouteIsDocumentedAndNothingElse() async throws {
        try await GatewayFixture.run { gateway in
            let document = try await gateway.get("//openapi.json")
            #expect(document.status == 200)
            let paths = try #require(document.object["paths"] as? [String: [String: Any]])
            let documented = Set(paths.flatMap { path, methods in methods.keys.map { "\($0.uppercased()) \(path)" } })
            let routes = Set(
                gateway.gateway.routes.map { "\($0.method.rawValue) \(OpenAPIDocument.path($0.pattern))" }
            )
            #expect(documented == routes)
            #expect(routes.count == gateway.gateway.routes.count)
        }
    }

    @Test(.timeLimit(.minutes(10))) func itIsConsistentInItself() async throws {
        try await GatewayFixture.run { gateway in
            let document = try await gateway.get("//openapi.json")
            let components = try #require(document.object["components"] as? [String: Any])
            let schemas = try #require(components["schemas"] as? [String: Any])
            let names = document.text.matches(of: /#\/components\/schemas\/([A-Za-z]+)/).map { String($0.1) }
            #expect(!names.isEmpty)
            #expect(Set(names).subtracting(schemas.keys).isEmpty)
            let paths = try #require(document.object["paths"] as? [String: [String: [String: Any]]])
            var operations: Set<String> = []
            for (path, methods) in paths {
                for operation in methods.values {
                    let name = try #require(operation["operationId"] as? String)
                    #expect(operations.insert(name).inserted)
                    let parameters = operation["parameters"] as? [[String: Any]] ?? []
                    let inPath = Set(
                        parameters.filter { $0["in"] as? String == "path" }.compactMap { $0["name"] as? String }
                    )
                    #expect(inPath == Set(path.matches(of: /\{([a-z]+)\}/).map { String($0.1) }))
                    #expect((operation["responses"] as? [String: Any])?.isEmpty == false)
                }
            }
        }
    }

    /// A field of a request, with the values next to its limits.
    struct Bound: Sendable, CustomTestStringConvertible {
        var schema: String
        var field: String
        var path: String
        var base: String
        var testDescription: String { "\(self.schema).\(self.field)" }
    }

    private static let template = #""id":"x","name":"n","image_url":"i","runtime_type":"python3.11""#

    @Test(
        .timeLimit(.minutes(10)),
        arguments: [
            Bound(schema: "CreateTemplate", field: "default_memory_mb", path: "/templates", base: template),
            Bound(schema: "CreateTemplate", field: "default_disk_mb", path: "/templates", base: template),
            Bound(schema: "CreateTemplate", field: "default_timeout", path: "/templates", base: template),
            Bound(schema: "CreateTemplate", field: "default_timeout_sec", path: "/templates", base: template),
            Bound(schema: "CreateTemplate", field: "default_cpu_cores", path: "/templates", base: template),
            Bound(schema: "CreateSession", field: "timeout", path: "/sessions", base: #""template_id":"none""#),
            Bound(schema: "CreateSession", field: "install_timeout", path: "/sessions", base: #""template_id":"none""#),
            Bound(
                schema: "Execute",
                field: "timeout",
                path: "/executions/sessions/none/execute",
                base: #""code":"x","language":"python""#
            ),
            Bound(
                schema: "Execute",
                field: "retry",
                path: "/executions/sessions/none/execute",
                base: #""code":"x","language":"python""#
            ),
        ]
    )
    func documentedBoundsAreThoseInForce(_ bound: Bound) async throws {
        try await GatewayFixture.run { gateway in
            let document = try await gateway.get("//openapi.json")
            let schemas = try #require((document.object["components"] as? [String: Any])?["schemas"] as? [String: Any])
            let fields = (schemas[bound.schema] as? [String: Any])?["properties"] as? [String: [String: Any]]
            let field = try #require(fields?[bound.field])
            let lowest = try #require(field["minimum"] as? NSNumber).doubleValue
            let highest = try #require(field["maximum"] as? NSNumber).doubleValue
            func isRefused(_ value: Double) async throws -> Bool {
                let text = value == value.rounded() ? "\(Int(value))" : "\(value)"
                let answer = try await gateway.send("POST", bound.path, "{\(bound.base),\"\(bound.field)\":\(text)}")
                return answer.faults.contains { $0.hasPrefix("body.\(bound.field) ") }
            }
            #expect(try await !isRefused(lowest))
            #expect(try await !isRefused(highest))
            #expect(try await isRefused(lowest - (lowest < 1 ? 0.01 : 1)))
            #expect(try await isRefused(highest + 1))
        }
    }

    @Test(.timeLimit(.minutes(10))) func thePageNeedsNothingFromOutside() async throws {
        try await GatewayFixture.run { gateway in
            let page = try await gateway.get("//docs")
            #expect(page.status == 200)
            #expect(page.headers["Content-Type"] == "text/html; charset=utf-8")
            #expect(page.headers["Content-Security-Policy"]?.hasPrefix("default-src 'none'") == true)
            #expect(!page.text.contains("http://") && !page.text.contains("https://"))
            let root = try await gateway.get("//")
            #expect(root.status == 307)
            #expect(root.headers["Location"] == "/docs")
        }
    }
}
