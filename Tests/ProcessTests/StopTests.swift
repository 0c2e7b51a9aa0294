import Foundation
import HTTPClient
import JSON
import Testing

extension RealProcesses {
    @Suite(.timeLimit(.minutes(3))) struct StopTests {
        @Test func finishesWhatRunsAndTakesNothingNew() async throws {
            try await Server.with { server in
                let api = try server.api
                let session = try await api.createSession()
                let code = "import time\nopen('started', 'w').close()\ntime.sleep(1)\ndef handler(event): return 7"
                let id = try await api.submit(session, API.request(code))
                _ = try await eventually("it runs") { try await api.download(session, "started") }
                let process = try #require(server.process)
                process.send(SIGTERM)
                try await process.prints("shutting down")
                // A refused connection, or an answer that says why.
                let late = try? await api.call(
                    "POST",
                    "/executions/sessions/\(session.id)/execute",
                    API.request("pass")
                )
                #expect(late.map { $0.status == 503 } ?? true)
                #expect(try await process.end() == .exit(0))
                try await server.leavesNoProcess()
                #expect(Leftovers.controlGroups(of: server.folder).isEmpty)

                let execution = try await server.start().ended(id)
                #expect(try execution.string("status") == "completed")
                #expect(try execution.int("return_value") == 7)
                #expect(try await server.api.running(session.id) == session)
            }
        }

        @Test func endsAtOnceAtASecondSignal() async throws {
            try await Server.with { server in
                let api = try server.api
                let session = try await api.createSession()
                let code = "import time\nopen('started', 'w').close()\ntime.sleep(60)"
                let id = try await api.submit(session, API.request(code, timeout: 100))
                _ = try await eventually("it runs") { try await api.download(session, "started") }
                let process = try #require(server.process)
                process.send(SIGTERM)
                try await process.prints("shutting down")
                let asked = ContinuousClock.now
                process.send(SIGTERM)
                #expect(try await process.end() == .exit(128 + SIGTERM))
                #expect(ContinuousClock.now - asked < .seconds(5))
                try await server.leavesNoProcess()

                let execution = try await server.start().ended(id)
                #expect(try execution.string("status") == "crashed")
                #expect(try execution.optionalString("error_message") != nil)
            }
        }
    }
}
