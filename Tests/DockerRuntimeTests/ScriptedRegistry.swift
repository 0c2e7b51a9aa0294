import Crypto
import HTTPServer
import Synchronization

/// A registry on this host with one image, `tests/tiny:1`, whose only layer is an empty archive.
final class ScriptedRegistry: Sendable {
    let port: UInt16
    private let server: HTTPServer
    private let reads: Counter

    private final class Counter: Sendable {
        let value = Atomic(0)
    }

    /// How often somebody asked what the image consists of.
    var manifestReads: Int { self.reads.value.load(ordering: .relaxed) }

    static func start() async throws -> ScriptedRegistry {
        // Two blocks of zeros end an archive.
        let layer = [UInt8](repeating: 0, count: 1024)
        let layerDigest = try Self.digest(layer)
        let config = Array(
            """
            {"architecture":"amd64","os":"linux","config":{},"rootfs":{"type":"layers","diff_ids":["\(layerDigest)"]},\
            "history":[{"created":"2026-01-01T00:00:00Z"}],"created":"2026-01-01T00:00:00Z"}
            """.utf8
        )
        let type = "application/vnd.docker.distribution.manifest.v2+json"
        let manifest = Array(
            """
            {"schemaVersion":2,"mediaType":"\(type)","config":{"mediaType":"application/vnd.docker.container.image.v1+json",\
            "size":\(config.count),"digest":"\(try Self.digest(config))"},"layers":[{"mediaType":\
            "application/vnd.docker.image.rootfs.diff.tar.gzip","size":\(layer.count),"digest":"\(layerDigest)"}]}
            """.utf8
        )
        let digest = try Self.digest(manifest)
        let blobs = [layerDigest: layer, try Self.digest(config): config]
        let reads = Counter()
        let unknown = Array(#"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}"#.utf8)
        let routes = [
            HTTPRoute.immediate(.get, "/v2/{rest...}") { _ in .json(200, Array("{}".utf8)) },
            HTTPRoute.immediate(.get, "/v2/tests/{name}/manifests/{reference}") { request in
                guard request.parameters["name"] == "tiny" else { return .json(404, unknown) }
                reads.value.add(1, ordering: .relaxed)
                return HTTPResponse(
                    200,
                    contentType: type,
                    headers: [HTTPHeader("Docker-Content-Digest", digest)],
                    body: .bytes(manifest)
                )
            },
            HTTPRoute.immediate(.get, "/v2/tests/tiny/blobs/{digest}") { request in
                guard let blob = blobs[request.parameters["digest"] ?? ""] else { return .json(404, unknown) }
                return HTTPResponse(200, contentType: "application/octet-stream", body: .bytes(blob))
            },
        ]
        let server = HTTPServer(
            configuration: try HTTPServerConfiguration(
                port: 0,
                headerTimeout: .seconds(600),
                keepAliveTimeout: .seconds(600)
            ),
            router: try HTTPRouter(routes, redirectsTrailingSlash: false)
        )
        return ScriptedRegistry(port: try server.start(), server: server, reads: reads)
    }

    private init(port: UInt16, server: HTTPServer, reads: Counter) {
        self.port = port
        self.server = server
        self.reads = reads
    }

    func stop() async { await self.server.stop(grace: .zero) }

    private static func digest(_ bytes: [UInt8]) throws -> String {
        "sha256:" + Hexadecimal.encode(try SHA256.digest(of: bytes))
    }
}
