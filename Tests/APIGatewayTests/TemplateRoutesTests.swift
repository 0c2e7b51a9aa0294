import Testing

@testable import APIGateway

@Suite struct TemplateRoutesTests {
    private static let full = #"""
        {"id":"a.b_c-1","name":"Ünï","image_url":"img","runtime_type":"go1.21","default_cpu_cores":2.5,
        "default_memory_mb":256,"default_disk_mb":2048,"default_timeout_sec":60,"default_env_vars":{"A":"1"},"extra":[]}
        """#

    @Test(.timeLimit(.minutes(10))) func aTemplateIsCreatedReadChangedAndDeleted() async throws {
        try await GatewayFixture.run { gateway in
            let created = try await gateway.send("POST", "/templates", Self.full)
            #expect(created.status == 201)
            #expect(created.string("id") == "a.b_c-1")
            #expect(created.string("name") == "Ünï")
            #expect(created.object["default_cpu_cores"] as? Double == 2.5)
            #expect(created.int("default_memory_mb") == 256)
            #expect(created.int("default_disk_mb") == 2048)
            #expect(created.int("default_timeout_sec") == 60)
            #expect(created.object["default_env_vars"] as? [String: String] == ["A": "1"])
            #expect(created.bool("is_active") == true)
            #expect(created.string("created_at")?.hasSuffix("+00:00") == true)

            #expect(try await gateway.get("/templates/a.b_c-1").text == created.text)

            let changed = try await gateway.send("PUT", "/templates/a.b_c-1", #"{"name":"New","default_timeout":90}"#)
            #expect(changed.status == 200)
            #expect(changed.string("name") == "New")
            #expect(changed.int("default_timeout") == 90)
            #expect(changed.int("default_memory_mb") == 256)

            let deleted = try await gateway.send("DELETE", "/templates/a.b_c-1")
            #expect(deleted.status == 200)
            #expect(deleted.string("message") != nil)
            let gone = try await gateway.get("/templates/a.b_c-1")
            #expect(gone.status == 404)
            #expect(gone.string("error") == "Not Found")
            #expect(gone.code == "template_not_found")
            #expect(try await gateway.send("PUT", "/templates/a.b_c-1", "{}").status == 404)
            #expect(try await gateway.send("DELETE", "/templates/a.b_c-1").status == 404)
            // The id and the name are free again.
            #expect(try await gateway.send("POST", "/templates", Self.full).status == 201)
        }
    }

    @Test(.timeLimit(.minutes(10))) func whatIsNotGivenHasItsDefault() async throws {
        try await GatewayFixture.run { gateway in
            try await gateway.makeTemplate()
            let template = try await gateway.get("/templates/t1")
            #expect(template.object["default_cpu_cores"] as? Double == 0.5)
            #expect(template.int("default_memory_mb") == 512)
            #expect(template.int("default_disk_mb") == 1024)
            #expect(template.int("default_timeout_sec") == 300)
        }
    }

    @Test(.timeLimit(.minutes(10))) func aTakenIdOrNameIsAConflict() async throws {
        try await GatewayFixture.run { gateway in
            try await gateway.makeTemplate("t1")
            try await gateway.makeTemplate("t2")
            func create(_ id: String, _ name: String) async throws -> Answer {
                let body = #"{"id":"\#(id)","name":"\#(name)","image_url":"i","runtime_type":"python3.11"}"#
                return try await gateway.send("POST", "/templates", body)
            }
            let sameID = try await create("t1", "Other")
            #expect(sameID.status == 409)
            #expect(sameID.code == "template_exists")
            #expect(sameID.string("error") == "Conflict")
            let sameName = try await create("t3", "Name of t1")
            #expect(sameName.status == 409)
            #expect(sameName.code == "template_name_taken")
            let renamed = try await gateway.send("PUT", "/templates/t2", #"{"name":"Name of t1"}"#)
            #expect(renamed.status == 409)
            // Its own name is no conflict.
            #expect(try await gateway.send("PUT", "/templates/t2", #"{"name":"Name of t2"}"#).status == 200)
        }
    }

    @Test(.timeLimit(.minutes(10))) func listsAreArraysByName() async throws {
        try await GatewayFixture.run { gateway in
            for id in ["c", "a", "b"] { try await gateway.makeTemplate(id) }
            let all = try await gateway.get("/templates")
            #expect(all.json is [Any])
            #expect(all.items.map { $0["id"] as? String } == ["a", "b", "c"])
            let page = try await gateway.get("/templates?limit=1&offset=1")
            #expect(page.items.map { $0["id"] as? String } == ["b"])
            #expect(try await gateway.get("/templates?limit=x").faults == ["query.limit int_parsing"])
        }
    }

    @Test(.timeLimit(.minutes(10))) func aBodyThatIsNotUTF8IsABadRequest() async throws {
        try await GatewayFixture.run { gateway in
            let answer = try await gateway.send("POST", "/templates", bytes: [123, 34, 255, 34, 58, 49, 125])
            #expect(answer.status == 400)
            #expect(answer.code == "invalid_encoding")
        }
    }
}
