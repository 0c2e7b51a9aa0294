import HTTPServer
import JSON
import MessageBus
import Messages
import SQLite
import SandboxRuntime

extension APIError {
    /// The one place where errors of lower layers become answers: none of them is a 500, and none shows the inside.
    init(_ error: any Error) {
        switch error {
        case let error as APIError: self = error
        case let fault as JSONFieldFault: self = .invalid(fault)
        case let fault as JSONFault: self.init(fault)
        case let full as ReadModelState.QueueFull:
            self.init(429, "queue_full", full.message, retryAfter: full.retryAfterSeconds)
        case let error as RuntimeError: self.init(error)
        case let error as BusError:
            self = .unavailable("the log does not take messages now", code: "log_unavailable", cause: error)
        case let error as SQLiteError:
            self = .unavailable("the storage does not answer now", code: "storage_unavailable", cause: error)
        case let error as HTTPServerError: self.init(error)
        case is CancellationError: self = .unavailable("the request was given up")
        default: self = .unavailable("the request could not be served now", cause: error)
        }
    }

    private init(_ fault: JSONFault) {
        if fault.code == .encoding {
            self = .badRequest("invalid_encoding", "the body is \(fault.message)")
        } else {
            self = .invalid(fault.fieldFault)
        }
    }

    private init(_ error: RuntimeError) {
        switch error.code {
        case .invalidPath: self = .badRequest("invalid_path", error.message)
        case .notARegularFile: self = .badRequest("not_a_file", error.message)
        case .fileNotFound: self = APIError(404, "file_not_found", error.message)
        case .diskFull: self = .unavailable("no space is left for the file", code: "disk_full", cause: error)
        case .sandboxLost:
            self = .unavailable("the sandbox cannot be reached now", code: "sandbox_unreachable", cause: error)
        default: self = .unavailable("the files cannot be reached now", code: "files_unavailable", cause: error)
        }
    }

    private init(_ error: HTTPServerError) {
        switch error.code {
        case .bodyTooLarge: self.init(413, "content_too_large", "the body is too large")
        case .malformedMultipart, .limitExceeded: self.init(400, "invalid_multipart", error.message)
        default: self = .unavailable("the request could not be read", cause: error)
        }
    }

    /// The answer to a command that was refused, by the code of the decision.
    init(_ problem: Problem) {
        let status: Int
        switch problem.code {
        case "template_not_found", "session_not_found", "execution_not_found": status = 404
        case "no_capacity", "queue_full": status = 429
        case "dependencies_unavailable": status = 503
        default: status = 409
        }
        self.init(status, problem.code, problem.message, retryAfter: status == 429 || status == 503 ? 1 : nil)
    }
}
