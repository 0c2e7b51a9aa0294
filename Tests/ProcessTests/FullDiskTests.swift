import Foundation
import HTTPClient
import JSON
import TestProcesses
import Testing

extension RealProcesses {
    @Suite(.enabled(if: Programs.isRoot, "only root can mount a small disk")) struct FullDiskTests {
        @Test(.timeLimit(.minutes(10))) func refusesThenGoesOnAndLosesNothing() async throws {
            // More than what counts as nearly full.
            let disk = try SmallDisk(megabytes: 128)
            defer { disk.remove() }
            try await Server.with(folder: "\(disk.folder)/\(UUID().uuidString)") { server in
                let api = try server.api
                let session = try await api.createSession()
                let request = API.request("def handler(event): return 1")
                var accepted = [try await api.submit(session, request)]
                #expect(try await api.get("/health").string("status") == "healthy")

                // What the log has in hand it may still use up; from the first refusal on nothing is accepted.
                let refusal = try await eventually("a full disk refuses") {
                    try disk.fill()
                    let answer = try await api.call("POST", "/executions/sessions/\(session.id)/execute", request)
                    if answer.status == 201 { accepted.append(try answer.body.string("execution_id")) }
                    return answer.status == 201 ? nil : answer
                }
                #expect(refusal.status == 503, "\(refusal.text)")
                #expect(!refusal.code.isEmpty, "\(refusal.text)")
                #expect(refusal.headers["Retry-After"] != nil)
                _ = try await eventually("health tells it") {
                    try await api.get("/health").string("status") != "healthy" ? true : nil
                }
                // A status is not answered from the disk, and goes on.
                _ = try await api.get("/executions/\(accepted[0])/status")

                disk.free()
                let later = try await eventually("the disk is used again") {
                    let answer = try await api.call("POST", "/executions/sessions/\(session.id)/execute", request)
                    return answer.status == 201 ? try answer.body.string("execution_id") : nil
                }
                for id in accepted + [later] {
                    #expect(try await api.ended(id).string("status") == "completed")
                }
                _ = try await eventually("it is healthy again") {
                    try await api.get("/health").string("status") == "healthy" ? true : nil
                }

                // Nor is anything lost to a restart after all that.
                try await server.stop()
                let again = try await server.start()
                for id in accepted { #expect(try await again.ended(id).string("status") == "completed") }
                #expect(try await again.running(session.id) == session)
            }
        }
    }
}
