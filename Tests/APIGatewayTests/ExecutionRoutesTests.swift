import Foundation
import HTTPClient
import Messages
import ServiceKit
import Testing

@testable import APIGateway

@Suite struct ExecutionRoutesTests {
    @Test(.timeLimit(.minutes(10))) func anExecutionIsAcceptedAndItsEndIsSeen() async throws {
        try await GatewayFixture.run { gateway in
            try await gateway.makeTemplate()
            let session = try await gateway.makeSession()
            let path = "/executions/sessions/\(session)/execute"
            let accepted = try await gateway.send("POST", path, #"{"code":"x","language":"python","event":{"a":1.0}}"#)
            #expect(accepted.status == 201)
            #expect(Set(accepted.object.keys) == ["execution_id", "session_id", "status", "created_at"])
            #expect(accepted.string("status") == "pending")
            let id = try #require(accepted.string("execution_id"))
            let result = try await gateway.get("/executions/\(id)/result?wait=30")
            #expect(result.status == 200)
            #expect(result.string("status") == "completed")
            #expect(result.string("id") == id)
            #expect(result.int("exit_code") == 0)
            #expect(result.string("stdout") == "out\n")
            #expect(result.string("stderr") == "")
            #expect(result.bool("stdout_truncated") == false)
            #expect(result.int("stdout_bytes") == 4)
            #expect(result.object["execution_time"] as? Double == 0.0015)
            #expect(result.int("retry_count") == 0)
            #expect(result.text.contains(#""return_value":{"a":1.0}"#))
            #expect((result.object["metrics"] as? [String: Any])?["duration_ms"] as? Double == 1.5)
            #expect((result.object["artifacts"] as? [Any])?.isEmpty == true)
            #expect(try await gateway.get("/executions/\(id)/status").text == result.text)
        }
    }

    @Test(.timeLimit(.minutes(10))) func syncAnswersTheMomentItEnds() async throws {
        try await GatewayFixture.run { gateway in
            try await gateway.makeTemplate()
            let session = try await gateway.makeSession()
            let path = "/executions/sessions/\(session)/execute-sync"
            let answer = try await gateway.send(
                "POST",
                path + "?poll_interval=10",
                #"{"code":"x","language":"python"}"#
            )
            #expect(answer.status == 200)
            #expect(answer.string("status") == "completed")
            let faults = try await gateway.send(
                "POST",
                path + "?poll_interval=0.01&sync_timeout=9",
                #"{"code":"x","language":"python"}"#
            ).faults
            #expect(faults == ["query.poll_interval greater_than_equal", "query.sync_timeout greater_than_equal"])
        }
    }

    @Test(.timeLimit(.minutes(10))) func syncThatTakesTooLongNamesTheExecution() async throws {
        try await GatewayFixture.run { gateway in
            try await gateway.makeTemplate()
            let session = try await gateway.makeSession()
            let path = "/executions/sessions/\(session)/execute-sync?sync_timeout=10"
            async let waiting = gateway.send("POST", path, #"{"code":"hold","language":"python"}"#)
            // The wait is cut short, as at a shutdown: ten seconds are the least that may be asked for.
            var waits = false
            while !waits {
                let items = try await gateway.get("/executions/sessions/\(session)/executions").items
                waits = items.first?["status"] as? String == "running"
            }
            gateway.gateway.giveUpWaiting()
            let answer = try await waiting
            #expect(answer.status == 408)
            #expect(answer.code == "execution_not_finished")
            let id = try #require(answer.string("execution_id"))
            #expect(try await gateway.get("/executions/\(id)/status").string("status") == "running")
        }
    }

    @Test(.timeLimit(.minutes(10))) func waitingEndsWithTheExecutionOrItsTime() async throws {
        try await GatewayFixture.run { gateway in
            try await gateway.makeTemplate()
            let session = try await gateway.makeSession()
            let id = try await gateway.submit("hold", to: session)
            let early = try await gateway.get("/executions/\(id)/result?wait=0.05")
            #expect(early.status == 200)
            #expect(early.string("status") != "completed")
            #expect(early.isNull("metrics") && early.isNull("execution_time") && early.isNull("return_value"))
            async let late = gateway.get("/executions/\(id)/result?wait=60")
            let outcome = ExecutionOutcome(status: .failed, exitCode: 1, errorMessage: "boom", stdoutBytes: 5)
            try await gateway.dispatcher.finish(ExecutionID(id), outcome)
            let answer = try await late
            #expect(answer.string("status") == "failed")
            #expect(answer.string("error_message") == "boom")
            #expect(answer.bool("stdout_truncated") == true)
            #expect(answer.int("stdout_bytes") == 5)
            #expect(try await gateway.get("/executions/\(id)/result?wait=301").faults == ["query.wait less_than_equal"])
            #expect(try await gateway.get("/executions/none/result?wait=1").status == 404)
        }
    }

    @Test(.timeLimit(.minutes(10))) func cancellingEndsItOnce() async throws {
        try await GatewayFixture.run { gateway in
            try await gateway.makeTemplate()
            let session = try await gateway.makeSession()
            let id = try await gateway.submit("hold", to: session)
            let cancelled = try await gateway.send("POST", "/executions/\(id)/cancel")
            #expect(cancelled.status == 200)
            #expect(cancelled.string("status") == "cancelled")
            let again = try await gateway.send("POST", "/executions/\(id)/cancel")
            #expect(again.text == cancelled.text)
            #expect(try await gateway.send("POST", "/executions/none/cancel").code == "execution_not_found")
        }
    }

    @Test(.timeLimit(.minutes(10))) func refusalsHaveTheirStatusAndCode() async throws {
        try await GatewayFixture.run { gateway in
            try await gateway.makeTemplate()
            let session = try await gateway.makeSession()
            let good = #"{"code":"x","language":"python"}"#
            let unknown = try await gateway.send("POST", "/executions/sessions/none/execute", good)
            #expect(unknown.status == 404)
            #expect(unknown.code == "session_not_found")
            _ = try await gateway.send("POST", "/sessions/\(session)/terminate")
            for way in ["execute", "execute-sync"] {
                let ended = try await gateway.send("POST", "/executions/sessions/\(session)/\(way)", good)
                #expect(ended.status == 409)
                #expect(ended.code == "session_not_active")
            }
            #expect(try await gateway.get("/executions/none/status").code == "execution_not_found")
            #expect(try await gateway.get("/executions/none/result").status == 404)
            #expect(try await gateway.get("/executions/sessions/none/executions").status == 404)
        }
    }

    @Test(.timeLimit(.minutes(10))) func aFullQueueSaysWhenToComeAgain() async throws {
        var options = GatewayFixture.Options()
        options.maxQueuedExecutionsPerSession = 2
        options.maxQueuedExecutions = 3
        try await GatewayFixture.run(options) { gateway in
            try await gateway.makeTemplate()
            let (first, second) = (try await gateway.makeSession(), try await gateway.makeSession())
            let held = try await gateway.submit("hold", to: first)
            _ = try await gateway.submit("hold", to: first)
            let body = #"{"code":"hold","language":"python"}"#
            let refused = try await gateway.send("POST", "/executions/sessions/\(first)/execute", body)
            #expect(refused.status == 429)
            #expect(refused.code == "queue_full")
            #expect(Int(refused.headers["Retry-After"] ?? "") ?? 0 >= 1)
            _ = try await gateway.submit("hold", to: second)
            #expect(try await gateway.send("POST", "/executions/sessions/\(second)/execute", body).status == 429)
            try await gateway.dispatcher.finish(ExecutionID(held), ExecutionOutcome(status: .completed, exitCode: 0))
            _ = try await gateway.get("/executions/\(held)/result?wait=30")
            _ = try await gateway.submit("hold", to: first)
        }
    }

    @Test(.timeLimit(.minutes(10))) func listsAreNewestFirst() async throws {
        try await GatewayFixture.run { gateway in
            try await gateway.makeTemplate()
            let session = try await gateway.makeSession()
            var ids: [String] = []
            for _ in 0..<3 { ids.insert(try await gateway.submit("stay", to: session), at: 0) }
            let list = try await gateway.get("/executions/sessions/\(session)/executions")
            #expect(list.items.compactMap { $0["id"] as? String } == ids)
            #expect(list.int("total") == 3)
            let page = try await gateway.get("/executions/sessions/\(session)/executions?limit=1&offset=1")
            #expect(page.items.compactMap { $0["id"] as? String } == [ids[1]])
            #expect(page.int("limit") == 1)
        }
    }

    @Test(.timeLimit(.minutes(10))) func executionsGoWithTheirSession() async throws {
        try await GatewayFixture.run { gateway in
            try await gateway.makeTemplate()
            let session = try await gateway.makeSession()
            let id = try await gateway.submit("hold", to: session)
            _ = try await gateway.get("/executions/\(id)/status")
            #expect(try await gateway.send("DELETE", "/sessions/\(session)").status == 204)
            #expect(try await gateway.get("/executions/\(id)/status").status == 404)
        }
    }
}
