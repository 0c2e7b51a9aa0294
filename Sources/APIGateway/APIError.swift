import HTTPServer
import JSON
import Messages

/// What a client is told when it does not get what it asked for.
struct APIError: Error, Sendable {
    var status: Int
    /// Lower case with underscores; programs branch on it, so it never changes.
    var code: String
    /// For people. Names nothing of the inside: no file, no query, no address.
    var message: String
    /// Seconds, for 429 and 503.
    var retryAfter: Int?
    /// What is wrong with which field, for 422.
    var faults: [JSONFieldFault] = []
    /// The execution that goes on though its answer is not waited for, for 408.
    var execution: ExecutionID?
    /// What a lower layer threw, for the log.
    var cause: (any Error)?

    /// Whether the same request may succeed later.
    var isRetriable: Bool { self.retryAfter != nil }

    init(_ status: Int, _ code: String, _ message: String, retryAfter: Int? = nil, cause: (any Error)? = nil) {
        self.status = status
        self.code = code
        self.message = message
        self.retryAfter = retryAfter
        self.cause = cause
    }

    static func badRequest(_ code: String, _ message: String) -> APIError { APIError(400, code, message) }
    static func conflict(_ code: String, _ message: String) -> APIError { APIError(409, code, message) }

    static func notFound(_ key: StateKey) -> APIError {
        switch key {
        case .template(let id): APIError(404, "template_not_found", "there is no template '\(id)'")
        case .session(let id): APIError(404, "session_not_found", "there is no session '\(id)'")
        case .execution(let id): APIError(404, "execution_not_found", "there is no execution '\(id)'")
        case .node(let id): APIError(404, "node_not_found", "there is no worker node '\(id)'")
        case .decision, .claim, .checkpoint: APIError(404, "not_found", "there is no such thing")
        }
    }

    static func invalid(_ faults: [JSONFieldFault]) -> APIError {
        var error = APIError(422, "validation_error", faults.first?.message ?? "the request is not valid")
        error.faults = faults
        return error
    }

    static func invalid(_ fault: JSONFieldFault) -> APIError { .invalid([fault]) }

    /// Something of ours is down, and may come back.
    static func unavailable(
        _ message: String,
        code: String = "internal_unavailable",
        cause: (any Error)? = nil
    ) -> APIError {
        APIError(503, code, message, retryAfter: 1, cause: cause)
    }

    /// The phrase that the status has in HTTP.
    var reason: String {
        switch self.status {
        case 400: "Bad Request"
        case 401: "Unauthorized"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 408: "Request Timeout"
        case 409: "Conflict"
        case 413: "Content Too Large"
        case 414: "URI Too Long"
        case 416: "Range Not Satisfiable"
        case 417: "Expectation Failed"
        case 422: "Unprocessable Entity"
        case 429: "Too Many Requests"
        case 431: "Request Header Fields Too Large"
        case 501: "Not Implemented"
        case 503: "Service Unavailable"
        case 505: "HTTP Version Not Supported"
        default: self.status < 500 ? "Error" : "Server Error"
        }
    }

    /// `{"error","message","detail","code"}`; for 422 `detail` is the list of faults, as FastAPI has it.
    var body: [UInt8] {
        var writer = JSONWriter(reserving: 256)
        writer.beginObject()
        writer.field("error", self.reason)
        writer.field("message", self.message)
        if self.status == 422, !self.faults.isEmpty {
            writer.array("detail", self.faults) { writer, fault in fault.write(to: &writer) }
        } else {
            writer.field("detail", self.message)
        }
        writer.field("code", self.code)
        if let execution = self.execution { writer.field("execution_id", execution.rawValue) }
        writer.endObject()
        return writer.bytes
    }

    var response: HTTPResponse {
        var headers: [HTTPHeader] = []
        if let retryAfter = self.retryAfter { headers.append(HTTPHeader("Retry-After", "\(retryAfter)")) }
        if self.status == 401 { headers.append(HTTPHeader("WWW-Authenticate", "Bearer")) }
        return .json(self.status, self.body, headers: headers)
    }
}
