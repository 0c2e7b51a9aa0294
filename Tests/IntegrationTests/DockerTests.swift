import Foundation
import JSON
import TestProcesses
import TestServers
import Testing

extension ClusterUnderFire {
    /// Nodes whose sandboxes are containers of a real daemon.
    @Suite(
        .timeLimit(.minutes(10)),
        .enabled(if: RealDocker.obstacle == nil, "\(RealDocker.obstacle ?? "")")
    ) struct DockerTests {
        @Test func aContainerOutlivesItsWorker() async throws {
            try await Self.withDaemon { docker in
                let settings = ["RUNTIME": "docker", "DOCKER_HOST": docker.host]
                try await Cluster.with(gateways: 1, dispatchers: 1, nodes: 1, environment: settings) { cluster in
                    let outcome = await Self.outcome { try await Self.killWorker(of: cluster) }
                    // Containers go on without their worker: they end with the daemon.
                    await docker.stop()
                    if let outcome { throw outcome }
                }
            }
        }

        private static func killWorker(of cluster: Cluster) async throws {
            let api = cluster.apis[0]
            let session = try await api.createSession()
            try await api.upload(session, "kept", "before")
            let read = API.request("def handler(event): return open('kept').read()")
            #expect(try await api.run(session, read).string("return_value") == "before")
            let endless = "import time\nopen('started', 'w').close()\ntime.sleep(300)"
            let running = try await api.submit(session, API.request(endless, timeout: 400))
            _ = try await eventually("it runs") { try await api.download(session, "started") }
            let inside = Set(Leftovers.processes(of: session.container).map(\.pid))
            #expect(!inside.isEmpty)

            try await cluster.nodes[0].kill()
            try cluster.nodes[0].launch()
            let end = try await api.endedPatiently(running)
            #expect(try end.string("status") == "crashed")
            #expect(try end.optionalString("error_message")?.isEmpty == false)
            #expect(
                try await api.endedPatiently(try await api.submit(session, read)).string("return_value") == "before"
            )
            // The same container, and not one like it.
            #expect(try await api.running(session.id) == session)
            let after = Set(Leftovers.processes(of: session.container).map(\.pid))
            #expect(!inside.isDisjoint(with: after))
            #expect(try await api.call("DELETE", "/sessions/\(session.id)").status == 204)
            _ = try await eventually("its container is gone") {
                Leftovers.processes(of: session.container).isEmpty ? true : nil
            }
        }

        private static func withDaemon(_ body: (RealDocker) async throws -> Void) async throws {
            let docker = try RealDocker()
            let outcome = await self.outcome {
                try await docker.start()
                try await docker.makeImage("sandbox-template-python-basic:latest", of: .interpreters)
                try await body(docker)
            }
            docker.destroy()
            if let outcome { throw outcome }
        }

        private static func outcome(_ body: () async throws -> Void) async -> (any Error)? {
            do {
                try await body()
                return nil
            } catch {
                return error
            }
        }
    }
}
