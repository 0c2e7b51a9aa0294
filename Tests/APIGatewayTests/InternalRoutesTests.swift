import Foundation
import HTTPClient
import MessageBus
import Messages
import Testing

@testable import APIGateway

@Suite struct InternalRoutesTests {
    private static let authorized: HTTPClientHeaders = ["Authorization": "Bearer s3cret"]

    private static let paths = [
        "/internal/sessions/none/container_ready", "/internal/sessions/none/container_exited",
        "/internal/containers/ready", "/internal/containers/exited", "/internal/executions/none/heartbeat",
        "/internal/executions/none/result",
    ]

    private static func run(_ body: @Sendable (GatewayFixture) async throws -> Void) async throws {
        var options = GatewayFixture.Options()
        options.internalToken = "s3cret"
        try await GatewayFixture.run(options) { gateway in
            try await gateway.makeTemplate()
            _ = try await gateway.makeSession("s1")
            try await body(gateway)
        }
    }

    @Test(.timeLimit(.minutes(10))) func withoutATokenConfiguredTheyAreOff() async throws {
        try await GatewayFixture.run { gateway in
            for path in Self.paths {
                let answer = try await gateway.send("POST", path, "not json", headers: Self.authorized)
                #expect(answer.status == 401)
                #expect(answer.code == "internal_calls_off")
            }
        }
    }

    @Test(.timeLimit(.minutes(10))) func theTokenComesBeforeIdAndBody() async throws {
        try await Self.run { gateway in
            for path in Self.paths {
                for headers in [[:], ["Authorization": "Bearer wrong"], ["Authorization": "s3cret"]]
                    as [HTTPClientHeaders]
                {
                    let answer = try await gateway.send("POST", path, "not json", headers: headers)
                    #expect(answer.status == 401)
                    #expect(answer.headers["WWW-Authenticate"] == "Bearer")
                }
            }
            let unknown = try await gateway.send(
                "POST",
                "/internal/executions/none/result",
                #"{"status":"completed"}"#,
                headers: Self.authorized
            )
            #expect(unknown.status == 404)
            let session = try await gateway.send(
                "POST",
                "/internal/containers/ready",
                #"{"session_id":"none"}"#,
                headers: Self.authorized
            )
            #expect(session.code == "session_not_found")
        }
    }

    @Test(.timeLimit(.minutes(10))) func reportsBecomeEvents() async throws {
        try await Self.run { gateway in
            let id = try await gateway.submit("hold", to: "s1")
            while try await gateway.get("/executions/\(id)/status").string("status") != "running" {}
            let calls = [
                ("/internal/sessions/s1/container_ready", #"{"container_id":"c1"}"#),
                ("/internal/containers/exited", #"{"session_id":"s1","exit_code":137,"exit_reason":"oom"}"#),
                ("/internal/executions/\(id)/heartbeat", ""),
                ("/internal/executions/\(id)/result", #"{"status":"success","stdout":"hi","return_value":{"n":1.0}}"#),
            ]
            for (path, body) in calls {
                let answer = try await gateway.send("POST", path, body, headers: Self.authorized)
                #expect(answer.status == 200)
                #expect(answer.string("message") != nil)
            }
            let subscription = try await gateway.bus.subscribe(to: Topics.events, group: "test")
            var events: [Event] = []
            while events.count < 4 {
                for delivery in try await subscription.next(upTo: 10) {
                    events.append(try Envelope<Event>(decoding: try #require(delivery.body)).payload)
                }
            }
            await subscription.close()
            let incarnation = try #require(gateway.dispatcher.session(SessionID("s1"))?.spec.incarnation)
            func reference(_ container: String) -> SessionReference {
                SessionReference(
                    session: SessionID("s1"),
                    incarnation: incarnation,
                    container: ContainerID(container)
                )
            }
            #expect(events[0] == .sessionReady(reference("c1"), node: NodeID("local")))
            #expect(
                events[1]
                    == .containerExited(reference("sbx-s1"), Problem("container_exited", "the container ended: oom"))
            )
            let execution = ExecutionReference(execution: ExecutionID(id), session: SessionID("s1"), attempt: 1)
            #expect(events[2] == .executionHeartbeat(execution))
            guard case .executionEnded(let ended) = events[3] else {
                Issue.record("the last event is no end")
                return
            }
            #expect(ended.outcome.status == .completed)
            #expect(ended.outcome.exitCode == 0)
            #expect(ended.outcome.returnValue == Array(#"{"n":1.0}"#.utf8))
        }
    }

    @Test(.timeLimit(.minutes(10))) func aResultAfterTheEndChangesNothing() async throws {
        try await Self.run { gateway in
            let id = try await gateway.submit("x", to: "s1")
            let before = try await gateway.get("/executions/\(id)/result?wait=30")
            let answer = try await gateway.send(
                "POST",
                "/internal/executions/\(id)/result",
                #"{"status":"failed"}"#,
                headers: Self.authorized
            )
            #expect(answer.status == 200)
            #expect(try await gateway.get("/executions/\(id)/result").text == before.text)
            #expect(try await gateway.bus.endOffsets(of: Topics.events).reduce(0, +) == 0)
            let invalid = try await gateway.send(
                "POST",
                "/internal/executions/\(id)/result",
                #"{"status":"odd","exit_code":"x"}"#,
                headers: Self.authorized
            )
            #expect(invalid.faults == ["body.status literal_error", "body.exit_code int_parsing"])
        }
    }
}
