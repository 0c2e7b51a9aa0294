/// A request that the server answers by itself.
struct Refusal: Sendable, Equatable {
    let status: Int
    let code: String
    let message: String

    static let malformed = Refusal(status: 400, code: "bad_request", message: "The request is malformed")
    static let malformedTarget = Refusal(
        status: 400,
        code: "bad_request",
        message: "The request target is malformed"
    )
    static let notFound = Refusal(status: 404, code: "not_found", message: "There is nothing at this path")
    static let methodNotAllowed = Refusal(
        status: 405,
        code: "method_not_allowed",
        message: "This path does not have that method"
    )
    static let contentTooLarge = Refusal(status: 413, code: "content_too_large", message: "The body is too large")
    static let targetTooLong = Refusal(status: 414, code: "uri_too_long", message: "The request target is too long")
    static let expectationFailed = Refusal(
        status: 417,
        code: "expectation_failed",
        message: "Only Expect: 100-continue is known"
    )
    static let headersTooLarge = Refusal(
        status: 431,
        code: "headers_too_large",
        message: "The request has too many headers, or too large ones"
    )
    static let internalError = Refusal(status: 500, code: "internal_error", message: "The answer could not be made")
    static let notImplemented = Refusal(status: 501, code: "not_implemented", message: "The method is not known")
    static let encodingNotImplemented = Refusal(
        status: 501,
        code: "not_implemented",
        message: "The only known transfer encoding is chunked"
    )
    static let versionNotSupported = Refusal(
        status: 505,
        code: "http_version_not_supported",
        message: "Only HTTP/1.1 and HTTP/1.0 are spoken here"
    )
}
