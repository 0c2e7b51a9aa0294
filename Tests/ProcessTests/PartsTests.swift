import Foundation
import JSON
import TestProcesses
import Testing

extension RealProcesses {
    /// Parts of a running server are killed from outside; the rest goes on.
    @Suite(.timeLimit(.minutes(10))) struct PartsTests {
        private static let waits = "import time\nopen('started', 'w').close()\ntime.sleep(60)"

        /// The processes that see a session's workspace, in order of their start.
        private func processes(_ server: Server, _ session: API.Session) -> [Leftovers.Found] {
            Leftovers.processes(of: "\(server.folder)/sandboxes/\(session.container)").sorted { $0.pid < $1.pid }
        }

        private func startWaiting(_ api: API, _ session: API.Session) async throws -> String {
            try await api.upload(session, "kept", "kept")
            let id = try await api.submit(session, API.request(Self.waits))
            _ = try await eventually("it runs") { try await api.download(session, "started") }
            return id
        }

        /// The session works, with the files it had.
        private func goesOn(_ api: API, _ session: API.Session) async throws {
            let code = "def handler(event): return open('/workspace/kept').read()"
            let execution = try await api.run(session, API.request(code))
            #expect(
                try execution.string("status") == "completed",
                "\(String(decoding: execution.bytes, as: UTF8.self))"
            )
            #expect(try execution.optionalString("return_value") == "kept")
            #expect(try await api.running(session.id) == session)
        }

        @Test func aKilledAgentCrashesItsExecutionOnly() async throws {
            try await Server.with { server in
                let api = try server.api
                let (session, other) = (try await api.createSession(), try await api.createSession())
                let id = try await self.startWaiting(api, session)
                let agent = try #require(
                    self.processes(server, session).first { $0.command.hasPrefix("/.sandbox/agent") }
                )
                kill(agent.pid, SIGKILL)
                let execution = try await api.ended(id)
                #expect(try execution.string("status") == "crashed")
                #expect(try execution.optionalString("error_message")?.isEmpty == false)
                try await self.goesOn(api, session)
                let elsewhere = try await api.run(other, API.request("def handler(event): return 1"))
                #expect(try elsewhere.string("status") == "completed")
            }
        }

        @Test func aKilledBubblewrapCrashesItsExecutionOnly() async throws {
            try await Server.with { server in
                let api = try server.api
                let session = try await api.createSession()
                let id = try await self.startWaiting(api, session)
                let agent = try #require(
                    self.processes(server, session).first { $0.command.hasPrefix("/.sandbox/agent") }
                )
                let monitor = try #require(Self.parent(of: agent.pid))
                kill(monitor, SIGKILL)
                let execution = try await api.ended(id)
                #expect(try execution.string("status") == "crashed")
                #expect(try execution.optionalString("error_message")?.isEmpty == false)
                try await self.goesOn(api, session)
            }
        }

        @Test func aKilledInterpreterIsReplaced() async throws {
            try await Server.with { server in
                let api = try server.api
                let session = try await api.createSession()
                try await api.upload(session, "kept", "kept")
                try await self.goesOn(api, session)
                // All that is in the sandbox but the agent: the warm interpreter, and its child that waits.
                let inside = self.processes(server, session).filter { !$0.command.hasPrefix("/.sandbox/agent") }
                    .filter { $0.command.contains("python") }
                #expect(!inside.isEmpty)
                for process in inside { kill(process.pid, SIGKILL) }
                // What is killed dies when it gets a processor, and an execution that reaches it before dies with it.
                let killed = Set(inside.map(\.pid))
                _ = try await eventually("they are gone") {
                    killed.isDisjoint(with: self.processes(server, session).map(\.pid)) ? true : nil
                }
                try await self.goesOn(api, session)
            }
        }

        @Test func anEndlessLoopEndsAtItsTimeout() async throws {
            try await Server.with { server in
                let api = try server.api
                let session = try await api.createSession()
                try await api.upload(session, "kept", "kept")
                let execution = try await api.run(session, API.request("while True: pass", timeout: 1))
                #expect(try execution.string("status") == "timeout")
                #expect(try (0.9...30).contains(execution.double("execution_time")))
                try await self.goesOn(api, session)
            }
        }

        private static func parent(of pid: Int32) -> Int32? {
            guard let stat = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8),
                let name = stat.lastIndex(of: ")")
            else { return nil }
            let fields = stat[name...].split(separator: " ")
            return fields.count > 2 ? Int32(fields[2]) : nil
        }
    }
}
