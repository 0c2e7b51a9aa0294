import Foundation
import HTTPClient
import Messages
import Testing

@testable import APIGateway

@Suite struct SessionRoutesTests {
    @Test(.timeLimit(.minutes(10))) func aSessionIsCreatedReadTerminatedAndDeleted() async throws {
        try await GatewayFixture.run { gateway in
            try await gateway.makeTemplate()
            let body = #"{"template_id":"t1","id":"s1","cpu":"1","memory":"512Mi","disk":"1Gi","env_vars":{"A":"b"}}"#
            let created = try await gateway.send("POST", "/sessions", body)
            #expect(created.status == 201)
            #expect(created.string("status") == "creating")
            #expect(created.string("id") == "s1")
            #expect(created.object["env_vars"] as? [String: String] == ["A": "b"])
            let limit = try #require(created.object["resource_limit"] as? [String: Any])
            #expect(limit["memory"] as? String == "512Mi")
            #expect(limit["max_processes"] as? Int == 128)

            let read = try await gateway.get("/sessions/s1")
            #expect(read.string("status") == "running")
            #expect(read.string("container_id") == "sbx-s1")
            #expect(read.string("runtime_node") == "local")
            #expect(read.string("language_runtime") == "python")
            #expect(read.string("runtime_type") == "python3.11")
            #expect(read.string("workspace_path") == "/workspace")
            #expect(read.isNull("pod_name") && read.isNull("completed_at") && read.isNull("error"))
            #expect(read.string("dependency_install_status") == "completed")
            #expect(read.string("python_package_index_url") == "https://pypi.org/simple/")
            #expect((read.object["installed_dependencies"] as? [Any])?.isEmpty == true)

            for _ in 0..<2 {
                let terminated = try await gateway.send("POST", "/sessions/s1/terminate")
                #expect(terminated.status == 200)
                #expect(terminated.string("status") == "terminated")
                #expect(terminated.string("completed_at") != nil)
            }
            #expect(try await gateway.send("DELETE", "/sessions/s1").status == 204)
            let gone = try await gateway.get("/sessions/s1")
            #expect(gone.status == 404)
            #expect(gone.code == "session_not_found")
            #expect(try await gateway.send("DELETE", "/sessions/s1").status == 404)
            #expect(try await gateway.send("POST", "/sessions/s1/terminate").status == 404)
            // The id is free again.
            #expect(try await gateway.send("POST", "/sessions", body).status == 201)
        }
    }

    @Test(.timeLimit(.minutes(10))) func refusalsHaveTheirStatusAndCode() async throws {
        try await GatewayFixture.run { gateway in
            try await gateway.makeTemplate()
            let unknown = try await gateway.send("POST", "/sessions", #"{"template_id":"none"}"#)
            #expect(unknown.status == 400)
            #expect(unknown.string("error") == "Bad Request")
            #expect(unknown.code == "template_not_found")
            _ = try await gateway.makeSession("s1")
            let taken = try await gateway.send("POST", "/sessions", #"{"template_id":"t1","id":"s1"}"#)
            #expect(taken.status == 409)
            #expect(taken.code == "session_exists")
            let full = try await gateway.send("POST", "/sessions", #"{"template_id":"t1","id":"no-room"}"#)
            #expect(full.status == 429)
            #expect(full.code == "no_capacity")
            #expect(full.headers["Retry-After"] != nil)
            // Deleted templates make no sessions, and leave those that are there.
            #expect(try await gateway.send("DELETE", "/templates/t1").status == 200)
            #expect(try await gateway.send("POST", "/sessions", #"{"template_id":"t1"}"#).status == 400)
            #expect(try await gateway.get("/sessions/s1").status == 200)
        }
    }

    @Test(.timeLimit(.minutes(10))) func listsArePagedAndFiltered() async throws {
        try await GatewayFixture.run { gateway in
            try await gateway.makeTemplate("t1")
            for number in 1...5 { _ = try await gateway.makeSession("s\(number)") }
            _ = try await gateway.send("POST", "/sessions/s2/terminate")
            func ids(_ query: String) async throws -> [String] {
                try await gateway.get("/sessions" + query).items.compactMap { $0["id"] as? String }
            }
            #expect(try await ids("") == ["s5", "s4", "s3", "s2", "s1"])
            #expect(try await ids("?limit=2&offset=1") == ["s4", "s3"])
            #expect(try await ids("?status=terminated") == ["s2"])
            #expect(try await ids("?status=running&template_id=t1&limit=1") == ["s5"])
            #expect(try await ids("?status=nonsense") == [])
            #expect(try await ids("?template_id=nonsense") == [])
            let page = try await gateway.get("/sessions?limit=2&offset=1")
            #expect(page.int("total") == 5)
            #expect(page.int("limit") == 2)
            #expect(page.int("offset") == 1)
            #expect(page.bool("has_more") == true)
            #expect(try await gateway.get("/sessions?limit=2&offset=3").bool("has_more") == false)
            #expect(try await gateway.get("/sessions?limit=0").int("limit") == 1)
            #expect(try await gateway.get("/sessions?limit=1000").int("limit") == 200)
            #expect(
                try await gateway.get("/sessions?limit=a&offset=-1").faults.sorted() == [
                    "query.limit int_parsing", "query.offset greater_than_equal",
                ]
            )
        }
    }

    @Test(.timeLimit(.minutes(10))) func dependenciesAreKeptAndInstallingAtFirst() async throws {
        try await GatewayFixture.run { gateway in
            gateway.dispatcher.holdSessions()
            try await gateway.makeTemplate()
            let body = """
                {"template_id":"t1","id":"s1","dependencies":[{"name":"a","version":"1.0"},{"name":"b"}],
                "python_package_index_url":"https://mirror/simple"}
                """
            let created = try await gateway.send("POST", "/sessions", body)
            #expect(created.status == 201)
            #expect(created.string("dependency_install_status") == "installing")
            #expect(created.string("python_package_index_url") == "https://mirror/simple")
            let requested = try #require(created.object["requested_dependencies"] as? [[String: Any]])
            #expect(requested.count == 2)
            #expect(requested[0]["version"] as? String == "==1.0")
            #expect(requested[1]["version"] is NSNull)
            #expect(requested.allSatisfy { $0.count == 2 })
            let early = try await gateway.send(
                "POST",
                "/sessions/s1/dependencies/install",
                #"{"dependencies":[{"name":"c"}]}"#
            )
            #expect(early.status == 409)
            try await gateway.dispatcher.makeReady(SessionID("s1"))
            while try await gateway.get("/sessions/s1").string("status") != "running" {}
            let later = try await gateway.send(
                "POST",
                "/sessions/s1/dependencies/install",
                #"{"dependencies":[{"name":"c"}]}"#
            )
            #expect(later.status == 503)
            #expect(later.code == "dependencies_unavailable")
            #expect(
                try await gateway.send("POST", "/sessions/s1/dependencies/install", #"{"dependencies":[]}"#).faults == [
                    "body.dependencies too_short"
                ]
            )
            let unknown = try await gateway.send(
                "POST",
                "/sessions/none/dependencies/install",
                #"{"dependencies":[{"name":"c"}]}"#
            )
            #expect(unknown.status == 404)
        }
    }

    @Test(.timeLimit(.minutes(10))) func aSilentDispatcherIsUnavailable() async throws {
        var options = GatewayFixture.Options()
        options.decisionTimeout = .seconds(15)
        try await GatewayFixture.run(options) { gateway in
            try await gateway.makeTemplate()
            gateway.dispatcher.fallSilent()
            let answer = try await gateway.send("POST", "/sessions", #"{"template_id":"t1"}"#)
            #expect(answer.status == 503)
            #expect(answer.code == "dispatcher_unavailable")
            #expect(answer.headers["Retry-After"] == "1")
            #expect(try await gateway.get("/templates/t1").status == 200)
        }
    }
}
