import Foundation
import HTTPClient
import JSON
import TestProcesses
import TestSpawn
import Testing

extension RealProcesses {
    @Suite(.timeLimit(.minutes(10))) struct StopTests {
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
                // A connection that is not taken, or an answer that says why. What is still accepted is kept.
                var accepted = [id]
                _ = try await eventually("new requests are refused") {
                    let path = "/executions/sessions/\(session.id)/execute"
                    guard let late = try? await api.call("POST", path, API.request("pass")), late.status != 503 else {
                        return true
                    }
                    accepted.append(try late.body.string("execution_id"))
                    return nil
                }
                #expect(process.isRunning)
                #expect(try await process.end() == .exit(0))
                try await server.leavesNoProcess()
                #expect(Leftovers.controlGroups(of: server.folder).isEmpty)

                let execution = try await server.start().ended(id)
                #expect(try execution.string("status") == "completed")
                #expect(try execution.int("return_value") == 7)
                for id in accepted { #expect(try await server.api.ended(id).string("status") == "completed") }
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
                process.send(SIGTERM)
                #expect(try await process.end() == .exit(128 + SIGTERM))
                try await server.leavesNoProcess()

                let execution = try await server.start().ended(id)
                #expect(try execution.string("status") == "crashed")
                #expect(try execution.optionalString("error_message") != nil)
            }
        }
    }
}
