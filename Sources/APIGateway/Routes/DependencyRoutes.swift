import HTTPServer
import Messages

/// Installing packages into a running session.
struct DependencyRoutes: Sendable {
    let context: GatewayContext

    var routes: [APIRoute] {
        [
            APIRoute(
                .post,
                SessionRoutes.path + "/{id}/dependencies/install",
                body: .buffered(limit: Limits.body),
                document: RouteDocument(
                    SessionRoutes.tag,
                    "Install packages",
                    "Answered when the installation is done."
                )
                .path("id", "The session").body("InstallDependencies")
                .answers(200, "The session", .reference("Session"))
                .refuses(
                    (404, "There is no such session"),
                    (409, "The session is not running"),
                    (422, "The request is not valid"),
                    (503, "Packages cannot be installed here")
                )
            ) { try self.install($0) }
        ]
    }

    private func install(_ request: HTTPRequest) throws -> HTTPResponse {
        _ = try DependencyFields.ofInstallation(request)
        let session = try self.context.session(SessionID(request.parameter("id")))
        guard session.status == .running else {
            throw APIError.conflict(
                "session_not_running",
                "the session '\(session.spec.id)' is \(session.status.name)"
            )
        }
        throw APIError(
            503,
            "dependencies_unavailable",
            "this installation cannot install packages; use an image that has them",
            retryAfter: 60
        )
    }
}
