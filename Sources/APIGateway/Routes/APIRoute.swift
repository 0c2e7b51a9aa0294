import HTTPServer
import Messages

/// One route of the API with its documentation: what `/openapi.json` says is declared beside what is done.
struct APIRoute: Sendable {
    typealias Handler = @Sendable (HTTPRequest) async throws -> HTTPResponse
    typealias ImmediateHandler = @Sendable (HTTPRequest) throws -> HTTPResponse?

    /// Under which every call of the API lies.
    static let base = "/api/v1"

    let method: HTTPMethod
    let pattern: String
    let body: HTTPRoute.BodyPolicy
    let document: RouteDocument
    /// Whether it answers before the gateway knows the state of the system.
    var answersWhileStarting = false
    /// Called before the body is read; what it throws refuses the request.
    var admit: (@Sendable (HTTPRequest) throws -> Void)?
    /// Called on a thread of the server: it must not wait. `nil` goes on to `handler`.
    var immediate: ImmediateHandler?
    let handler: Handler

    init(
        _ method: HTTPMethod,
        _ pattern: String,
        body: HTTPRoute.BodyPolicy = .none,
        document: RouteDocument,
        handler: @escaping Handler
    ) {
        self.method = method
        self.pattern = pattern
        self.body = body
        self.document = document
        self.handler = handler
    }

    /// A route that always answers at once.
    init(
        immediate method: HTTPMethod,
        _ pattern: String,
        document: RouteDocument,
        _ answer: @escaping @Sendable (HTTPRequest) throws -> HTTPResponse
    ) {
        self.init(method, pattern, document: document) { try answer($0) }
        self.immediate = { try answer($0) }
    }

    func admitting(_ admit: @escaping @Sendable (HTTPRequest) throws -> Void) -> APIRoute {
        var route = self
        route.admit = admit
        return route
    }

    /// The thing that a request is about, by the route's pattern; `nil` if it is about none, or about several.
    func subject(_ request: HTTPRequest) -> StateKey? {
        guard let id = request.parameters["id"] else { return nil }
        if self.pattern.contains("/sessions/{id}") { return .session(SessionID(id)) }
        if self.pattern.contains("/executions/{id}") { return .execution(ExecutionID(id)) }
        if self.pattern.contains("/templates/{id}") { return .template(TemplateID(id)) }
        return nil
    }

    func answeringWhileStarting() -> APIRoute {
        var route = self
        route.answersWhileStarting = true
        return route
    }
}

extension HTTPRequest {
    /// A parameter of the route's own pattern.
    func parameter(_ name: String) -> String { self.parameters[name] ?? "" }
}
