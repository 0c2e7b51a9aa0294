import HTTPServer
import JSON
import Messages
import SandboxRuntime

/// Files of a session's workspace, streamed in both directions.
struct FileRoutes: Sendable {
    private static let tag = "Files"
    private static let path = SessionRoutes.path + "/{id}/files"
    private static let binary = RouteDocument.Content(
        type: "application/octet-stream",
        schema: .string(format: "binary")
    )

    let context: GatewayContext

    var routes: [APIRoute] { [self.uploadRoute, self.listRoute, self.downloadRoute] }

    private var uploadRoute: APIRoute {
        let limit = self.context.configuration.maxUploadBytes
        return APIRoute(
            .post,
            Self.path + "/upload",
            // The parts' heads and boundaries come on top.
            body: .streamed(limit: limit + 65_536),
            document: self.document("Upload a file", "Makes missing directories, and replaces a file that is there.")
                .query("path", .string(), "Relative to the workspace", isRequired: true)
                .body(
                    type: "multipart/form-data",
                    .object([.init("file", .string(format: "binary"), required: true)])
                )
                .answers(200, "What was written", .reference("UploadedFile"))
                .refuses((413, "The file is larger than \(limit) bytes"), (422, "The request is not valid"))
        ) { try await self.upload($0) }
        .admitting { request in
            _ = try Self.uploadPath(request)
            _ = try self.context.activeSession(SessionID(request.parameter("id")))
        }
    }

    private var listRoute: APIRoute {
        APIRoute(
            .get,
            Self.path,
            document: self.document("List files", "All below the workspace, or below one of its directories.")
                .query("path", .string(), "A directory, relative to the workspace")
                .query("limit", .integer(in: 1...10_000, default: 1000), "Files at most")
                .answers(200, "The files", .reference("FileList")).refuses((422, "The request is not valid"))
        ) { try await self.list($0) }
    }

    private var downloadRoute: APIRoute {
        APIRoute(
            .get,
            Self.path + "/{path...}",
            document: self.document("Download a file", "Range, If-Range and If-None-Match are honoured.")
                .path("path", "Relative to the workspace, with its slashes").answers(200, "The bytes", Self.binary)
                .answers(206, "The bytes of the range", Self.binary).answers(304, "The client has it")
                .refuses((416, "The file has no such range"))
        ) { try await self.download($0) }
    }

    private func document(_ summary: String, _ text: String) -> RouteDocument {
        RouteDocument(Self.tag, summary, text).path("id", "The session")
            .refuses(
                (400, "The path is not one of a file in the workspace"),
                (404, "There is no such session or file"),
                (409, "The session has ended"),
                (503, "The sandbox cannot be reached")
            )
    }

    // MARK: Uploading

    private static func uploadPath(_ request: HTTPRequest) throws -> (given: String, path: WorkspacePath) {
        guard let given = QueryReader(request).text("path") else {
            throw APIError.invalid(JSONFieldFault(.missing, at: ["query", "path"]))
        }
        return (given, try WorkspacePath(given))
    }

    private func upload(_ request: HTTPRequest) async throws -> HTTPResponse {
        let (given, path) = try Self.uploadPath(request)
        let session = SessionID(request.parameter("id"))
        var parts = try self.parts(request)
        guard try await Self.findFile(&parts) else {
            throw APIError.invalid(JSONFieldFault(.missing, at: ["body", "file"]))
        }
        let workspace = try await self.workspace(of: session)
        // Gone by itself unless it is committed: nothing is left of what is given up.
        let upload = try await workspace.write(path)
        let limit = self.context.configuration.maxUploadBytes
        while let piece = try await parts.nextPiece() {
            guard Int(upload.size) + piece.count <= limit else {
                throw APIError(413, "content_too_large", "the file is larger than \(limit) bytes")
            }
            try await upload.append(piece)
        }
        // What comes after the file is read too: a body that is cut off must not become a file.
        while try await parts.nextPart() != nil {}
        try await upload.commit()
        return .json(200, FileDocuments.uploaded(session, path: given, size: upload.size))
    }

    private func parts(_ request: HTTPRequest) throws -> MultipartReader {
        guard request.header("Content-Type")?.lowercased().hasPrefix("multipart/form-data") == true else {
            throw APIError.invalid(JSONFieldFault(.missing, at: ["body", "file"]))
        }
        return try MultipartReader(request)
    }

    private static func findFile(_ parts: inout MultipartReader) async throws -> Bool {
        while let part = try await parts.nextPart() {
            if part.name == "file" { return true }
        }
        return false
    }

    // MARK: Reading

    private func list(_ request: HTTPRequest) async throws -> HTTPResponse {
        var query = QueryReader(request)
        let limit = query.int("limit", in: 1...10_000, default: 1000)
        try query.finish()
        let given = query.text("path") ?? ""
        let path = given.isEmpty || given == "." ? nil : try WorkspacePath(given)
        let session = SessionID(request.parameter("id"))
        let workspace = try await self.workspace(of: session)
        // Directories count for the walk and not for the answer.
        let listing = try await workspace.list(path, limit: limit + 10_000)
        let files = listing.entries.filter { $0.kind != .directory }.prefix(limit)
        return .json(200, FileDocuments.list(session, Array(files)))
    }

    private func download(_ request: HTTPRequest) async throws -> HTTPResponse {
        let path = try WorkspacePath(request.parameter("path"))
        let workspace = try await self.workspace(of: SessionID(request.parameter("id")))
        return try await FileResponse.make(request, name: path.name, file: try await workspace.read(path))
    }

    // MARK: The workspace

    /// The session's workspace; waits for a session that is being created.
    private func workspace(of id: SessionID) async throws -> any Workspace {
        let deadline = ContinuousClock.now + .seconds(30)
        while true {
            let waiter = self.context.model.sessionChanges.register(id, timeout: deadline - .now)
            defer { waiter.withdraw() }
            let session = try self.context.activeSession(id)
            if session.status == .running, let container = session.container {
                let address = try session.node.flatMap { try self.context.model.node($0)?.heartbeat.address } ?? ""
                return try await self.context.workspaces.workspace(of: container.rawValue, at: address)
            }
            guard case .value = await waiter.value() else {
                throw APIError.unavailable("the session '\(id)' is not ready yet", code: "session_not_ready")
            }
        }
    }
}
