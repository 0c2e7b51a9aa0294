import Glibc
import SandboxRuntime
import TestKit
import Testing

@testable import DockerRuntime

extension RealContainers {
    @Suite struct DockerContractTests {
        @Test(.timeLimit(.minutes(10)), arguments: SandboxRuntimeContract.allCases)
        func honours(_ clause: SandboxRuntimeContract) async throws {
            let fixture = try await DockerFixture()
            let code = "open('/workspace/running', 'w').close()\nwhile True: pass\n"
            try await clause.verify(
                SandboxRuntimeContract.Subject(
                    runtime: fixture.runtime,
                    makeSpec: { try fixture.spec($0) },
                    kill: { sandbox in
                        let agent = try #require((sandbox as? DockerSandbox)?.container.processID)
                        #expect(agent > 1)
                        #expect(Glibc.kill(agent, SIGKILL) == 0)
                    },
                    endlessOrder: ExecutionOrder(id: OrderID("endless"), language: .python, code: Array(code.utf8)),
                    awaitRunning: { sandbox in
                        let files = WorkspaceDirectory(
                            path: try fixture.spec("\(sandbox.id)").workspacePath,
                            owner: nil
                        )
                        // Nothing outside can be told by code inside but through a file.
                        while true {
                            if (try? await files.remove(WorkspacePath("running"))) != nil { return }
                            await Task.yield()
                        }
                    },
                    insideUser: { $0.fileOwner?.user ?? geteuid() }
                )
            )
            try await fixture.close()
        }
    }
}
