internal import Crypto
internal import HTTPServer
internal import Messages
internal import SandboxRuntime
internal import ServiceKit

/// The node's end of the data plane.
struct DataPlaneRoutes: Sendable {
    let configuration: DataPlaneConfiguration
    let workspaces: any WorkspaceAccess

    var all: [HTTPRoute] {
        let file = DataPlaneProtocol.pattern + DataPlaneProtocol.file
        return [
            HTTPRoute(.get, DataPlaneProtocol.pattern + DataPlaneProtocol.files, admit: self.admit) { request in
                await self.answer { try await self.list(request) }
            },
            HTTPRoute(.get, file, admit: self.admit) { request in
                await self.answer { try await self.read(request) }
            },
            HTTPRoute(
                .put,
                file,
                body: .streamed(limit: self.configuration.maxUploadBytes),
                admit: self.admit
            ) { request in
                await self.answer { try await self.write(request) }
            },
        ]
    }

    /// Only gateways of this cluster get further than here.
    private var admit: HTTPRoute.ImmediateHandler {
        let expected = Array("Bearer \(self.configuration.token.reveal())".utf8)
        return { request in
            let given = Array((request.header("Authorization") ?? "").utf8)
            return ConstantTime.areEqual(given, expected) ? nil : .text(401, "a valid token is needed")
        }
    }

    private func answer(_ body: () async throws -> HTTPResponse) async -> HTTPResponse {
        do {
            return try await body()
        } catch let error as RuntimeError {
            let header = HTTPHeader(DataPlaneProtocol.errorHeader, "\(error.code)")
            var response = HTTPResponse.text(error.code == .fileNotFound ? 404 : 409, error.message)
            response.headers.append(header)
            return response
        } catch {
            return .text(503, "the request could not be served")
        }
    }

    private func workspace(_ request: HTTPRequest) async throws -> any Workspace {
        try await self.workspaces.workspace(of: request.parameters["container"] ?? "", at: "")
    }

    private func path(_ request: HTTPRequest) throws(RuntimeError) -> WorkspacePath {
        try WorkspacePath(request.query("path").first ?? "")
    }

    private func list(_ request: HTTPRequest) async throws -> HTTPResponse {
        let path = try request.query("path").first.map { text throws(RuntimeError) in try WorkspacePath(text) }
        let limit = min(max(1, request.query("limit").first.flatMap { Int($0) } ?? 1000), 100_000)
        let listing = try await self.workspace(request).list(path, limit: limit)
        let message = FileListing(
            entries: listing.entries.map { entry in
                FileListing.Entry(
                    name: entry.name,
                    size: entry.size,
                    modifiedMilliseconds: entry.modifiedMilliseconds,
                    kind: entry.kind.rawValue
                )
            },
            isTruncated: listing.isTruncated
        )
        return HTTPResponse(200, contentType: "application/octet-stream", body: .bytes(message.encoded()))
    }

    /// Describes the file; with `from` and `to` it is followed by those bytes, if the file is still the one of `tag`.
    private func read(_ request: HTTPRequest) async throws -> HTTPResponse {
        let file = try await self.workspace(request).read(try self.path(request))
        let headers = [
            HTTPHeader(DataPlaneProtocol.sizeHeader, "\(file.size)"),
            HTTPHeader(DataPlaneProtocol.modifiedHeader, "\(file.modifiedMilliseconds)"),
            HTTPHeader(DataPlaneProtocol.tagHeader, file.entityTag),
        ]
        guard let from = request.query("from").first.flatMap({ Int($0) }),
            let end = request.query("to").first.flatMap({ Int($0) })
        else { return HTTPResponse(200, headers: headers) }
        guard request.query("tag").first == file.entityTag, from >= 0, from <= end, end <= Int(file.size) else {
            throw RuntimeError(.fileNotFound, "the file has changed")
        }
        guard case .descriptor(let descriptor) = try await file.source(from..<end) else {
            throw RuntimeError(.unsupported, "the file is not on this node")
        }
        let content = HTTPFile(owning: descriptor, offset: from, length: end - from)
        return HTTPResponse(200, contentType: "application/octet-stream", headers: headers, body: .file(content))
    }

    private func write(_ request: HTTPRequest) async throws -> HTTPResponse {
        let upload = try await self.workspace(request).write(try self.path(request))
        // A body that is cut off throws, and the upload goes with it.
        while let piece = try await request.reader?.next() { try await upload.append(piece) }
        try await upload.commit()
        return HTTPResponse(200, headers: [HTTPHeader(DataPlaneProtocol.sizeHeader, "\(upload.size)")])
    }
}
