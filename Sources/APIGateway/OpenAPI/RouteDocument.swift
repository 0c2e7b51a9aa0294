/// What `/openapi.json` says about a route.
struct RouteDocument: Sendable {
    struct Parameter: Sendable {
        enum Place: String, Sendable { case path, query }

        var name: String
        var place: Place
        var schema: Schema
        var text: String
        var isRequired: Bool
    }

    struct Response: Sendable {
        var status: Int
        var text: String
        /// `nil` for an empty body.
        var content: Content?
    }

    struct Content: Sendable {
        var type: String
        var schema: Schema
    }

    var tag: String
    var summary: String
    /// More than the summary says; may be empty.
    var text = ""
    var parameters: [Parameter] = []
    var request: Content?
    var isRequestRequired = true
    var responses: [Response] = []
    /// Whether it wants a bearer token.
    var isProtected = false

    init(_ tag: String, _ summary: String, _ text: String = "") {
        self.tag = tag
        self.summary = summary
        self.text = text
    }

    func path(_ name: String, _ text: String) -> Self {
        var copy = self
        copy.parameters.append(
            Parameter(name: name, place: .path, schema: .string(), text: text, isRequired: true)
        )
        return copy
    }

    func query(_ name: String, _ schema: Schema, _ text: String, isRequired: Bool = false) -> Self {
        var copy = self
        copy.parameters.append(
            Parameter(name: name, place: .query, schema: schema, text: text, isRequired: isRequired)
        )
        return copy
    }

    func paged() -> Self {
        self.query("limit", .integer(in: Limits.page, default: 50), "Items at most; taken into the range")
            .query("offset", .integer(from: 0, default: 0), "Items to skip")
    }

    func body(_ schema: String, isRequired: Bool = true) -> Self {
        var copy = self
        copy.request = Content(type: "application/json", schema: .reference(schema))
        copy.isRequestRequired = isRequired
        return copy
    }

    func body(type: String, _ schema: Schema) -> Self {
        var copy = self
        copy.request = Content(type: type, schema: schema)
        return copy
    }

    func answers(_ status: Int, _ text: String, _ schema: Schema) -> Self {
        self.answers(status, text, Content(type: "application/json", schema: schema))
    }

    func answers(_ status: Int, _ text: String, _ content: Content? = nil) -> Self {
        var copy = self
        copy.responses.append(Response(status: status, text: text, content: content))
        return copy
    }

    /// Adds refusals in the shape of an error.
    func refuses(_ refusals: (Int, String)...) -> Self {
        var copy = self
        for (status, text) in refusals {
            let schema = status == 422 ? "ValidationError" : "Error"
            copy = copy.answers(status, text, .reference(schema))
        }
        return copy
    }

    func protected() -> Self {
        var copy = self
        copy.isProtected = true
        return copy.refuses((401, "No token is configured, or another one was sent"))
    }
}
