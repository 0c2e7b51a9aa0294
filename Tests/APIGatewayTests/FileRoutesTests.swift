import Foundation
import HTTPClient
import Messages
import Testing

@testable import APIGateway

@Suite struct FileRoutesTests {
    private static func upload(
        _ gateway: GatewayFixture,
        _ query: String,
        _ bytes: [UInt8],
        field: String = "file",
        session: String = "s1"
    ) async throws -> Answer {
        var form = HTTPClientMultipart()
        form.add("note", "ignored")
        form.add(field, filename: "x.bin", .bytes(bytes))
        let response = try await gateway.client.send(
            HTTPClientRequest(
                "POST",
                "http://127.0.0.1:\(gateway.port)/api/v1/sessions/\(session)/files/upload\(query)",
                headers: ["Content-Type": form.contentType],
                body: form.body
            )
        )
        return Answer(status: response.status, headers: response.headers, body: response.body)
    }

    private static func run(
        _ options: GatewayFixture.Options = .init(),
        _ body: @Sendable (GatewayFixture) async throws -> Void
    ) async throws {
        try await GatewayFixture.run(options) { gateway in
            try await gateway.makeTemplate()
            _ = try await gateway.makeSession("s1")
            try await body(gateway)
        }
    }

    @Test(.timeLimit(.minutes(10))) func aFileIsUploadedListedAndDownloaded() async throws {
        try await Self.run { gateway in
            let bytes = (0..<70_000).map { UInt8(truncatingIfNeeded: $0 * 7) }
            let uploaded = try await Self.upload(gateway, "?path=data/deep/f%C3%BCr%20dich.csv", bytes)
            #expect(uploaded.status == 200)
            #expect(uploaded.string("file_path") == "data/deep/für dich.csv")
            #expect(uploaded.string("session_id") == "s1")
            #expect(uploaded.int("size") == 70_000)

            let list = try await gateway.get("/sessions/s1/files")
            #expect(list.int("count") == 1)
            let file = try #require((list.object["files"] as? [[String: Any]])?.first)
            #expect(file["name"] as? String == "data/deep/für dich.csv")
            #expect(file["size"] as? Int == 70_000)
            #expect((file["modified_time"] as? String)?.hasSuffix("+00:00") == true)
            #expect(try await gateway.get("/sessions/s1/files?path=data/deep").int("count") == 1)
            #expect(try await gateway.get("/sessions/s1/files?path=none").status == 404)
            #expect(try await gateway.get("/sessions/s1/files?limit=0").faults == ["query.limit greater_than_equal"])

            let download = try await gateway.get("/sessions/s1/files/data/deep/f%C3%BCr%20dich.csv")
            #expect(download.status == 200)
            #expect(download.body == bytes)
            #expect(download.headers["Content-Type"] == "text/csv; charset=utf-8")
            #expect(
                download.headers["Content-Disposition"]
                    == "attachment; filename=\"f_r dich.csv\"; filename*=UTF-8''f%C3%BCr%20dich.csv"
            )
            // A later upload replaces the file.
            #expect(try await Self.upload(gateway, "?path=data/deep/f%C3%BCr%20dich.csv", [1]).int("size") == 1)
            #expect(try await gateway.get("/sessions/s1/files/data/deep/f%C3%BCr%20dich.csv").body == [1])
        }
    }

    @Test(.timeLimit(.minutes(10))) func rangesAndConditionsAreHonoured() async throws {
        try await Self.run { gateway in
            _ = try await Self.upload(gateway, "?path=f", Array("0123456789".utf8))
            func get(_ headers: HTTPClientHeaders) async throws -> Answer {
                try await gateway.get("/sessions/s1/files/f", headers: headers)
            }
            let whole = try await get([:])
            let tag = try #require(whole.headers["ETag"])
            let modified = try #require(whole.headers["Last-Modified"])
            #expect(whole.headers["Accept-Ranges"] == "bytes")
            let part = try await get(["Range": "bytes=2-4"])
            #expect(part.status == 206)
            #expect(part.text == "234")
            #expect(part.headers["Content-Range"] == "bytes 2-4/10")
            let beyond = try await get(["Range": "bytes=10-"])
            #expect(beyond.status == 416)
            #expect(beyond.headers["Content-Range"] == "bytes */10")
            #expect(beyond.code == "range_not_satisfiable")
            #expect(try await get(["Range": "bytes=2-4", "If-Range": tag]).status == 206)
            #expect(try await get(["Range": "bytes=2-4", "If-Range": "\"other\""]).text == "0123456789")
            let known = try await get(["If-None-Match": "\"x\", W/\(tag)"])
            #expect(known.status == 304)
            #expect(known.body.isEmpty)
            #expect(known.headers["ETag"] == tag)
            #expect(try await get(["If-None-Match": "\"x\""]).status == 200)
            #expect(try await get(["If-Modified-Since": modified]).status == 304)
        }
    }

    @Test(
        .timeLimit(.minutes(10)),
        arguments: ["/etc/passwd", "", "a/../../b", "..", "a%00b", String(repeating: "x", count: 1025), "."]
    )
    func pathsThatLeadElsewhereAreRefused(_ path: String) async throws {
        try await Self.run { gateway in
            let answer = try await Self.upload(gateway, "?path=\(path)", [1])
            #expect(answer.status == 400)
            #expect(answer.code == "invalid_path")
            #expect(try await gateway.get("/sessions/s1/files").int("count") == 0)
        }
    }

    @Test(.timeLimit(.minutes(10))) func downloadsStayInTheWorkspace() async throws {
        try await Self.run { gateway in
            _ = try await Self.upload(gateway, "?path=inside/f", [1])
            let workspace = gateway.folder + "/sbx-s1"
            try FileManager.default.createSymbolicLink(atPath: workspace + "/link", withDestinationPath: "/etc/passwd")
            for path in ["%2Fetc/passwd", "inside/%2e%2e/%2e%2e/log.db", "..%2Flog.db"] {
                let answer = try await gateway.get("/sessions/s1/files/\(path)")
                #expect(answer.status == 400)
                #expect(answer.code == "invalid_path")
            }
            #expect(try await gateway.get("/sessions/s1/files/link").status == 400)
            #expect(try await gateway.get("/sessions/s1/files/none").code == "file_not_found")
            #expect(try await gateway.get("/sessions/s1/files/inside").code == "not_a_file")
        }
    }

    @Test(.timeLimit(.minutes(10))) func whatIsTooLargeLeavesNothing() async throws {
        var options = GatewayFixture.Options()
        options.maxUploadBytes = 100_000
        try await Self.run(options) { gateway in
            let largest = [UInt8](repeating: 1, count: 100_000)
            #expect(try await Self.upload(gateway, "?path=fits", largest).status == 200)
            // Within the limit of the body, beyond that of the file; and beyond both.
            for count in [100_001, 300_000] {
                let answer = try await Self.upload(gateway, "?path=large", [UInt8](repeating: 1, count: count))
                #expect(answer.status == 413)
                #expect(answer.code == "content_too_large")
            }
            let names = try FileManager.default.contentsOfDirectory(atPath: gateway.folder + "/sbx-s1")
            #expect(names == ["fits"])
        }
    }

    @Test(.timeLimit(.minutes(10))) func refusalsHaveTheirStatusAndCode() async throws {
        try await Self.run { gateway in
            #expect(try await Self.upload(gateway, "", [1]).faults == ["query.path missing"])
            #expect(try await Self.upload(gateway, "?path=f", [1], field: "other").faults == ["body.file missing"])
            let noForm = try await gateway.send("POST", "/sessions/s1/files/upload?path=f", "{}")
            #expect(noForm.faults == ["body.file missing"])
            let cut = try await gateway.send(
                "POST",
                "/sessions/s1/files/upload?path=f",
                "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f\"\r\n\r\nhalf",
                headers: ["Content-Type": "multipart/form-data; boundary=b"]
            )
            #expect(cut.status == 400)
            #expect(cut.code == "invalid_multipart")
            #expect(try await gateway.get("/sessions/s1/files").int("count") == 0)
            #expect(try await Self.upload(gateway, "?path=f", [1], session: "none").code == "session_not_found")
            _ = try await gateway.send("POST", "/sessions/s1/terminate")
            #expect(try await Self.upload(gateway, "?path=f", [1]).code == "session_not_active")
            #expect(try await gateway.get("/sessions/s1/files").status == 409)
            #expect(try await gateway.get("/sessions/none/files/f").status == 404)
        }
    }

    @Test(.timeLimit(.minutes(10))) func filesOfASessionThatIsCreatedWaitForIt() async throws {
        try await GatewayFixture.run { gateway in
            gateway.dispatcher.holdSessions()
            try await gateway.makeTemplate()
            _ = try await gateway.makeSession("s1")
            async let upload = Self.upload(gateway, "?path=f", [1, 2])
            try await gateway.dispatcher.makeReady(SessionID("s1"))
            #expect(try await upload.status == 200)
            #expect(try await gateway.get("/sessions/s1/files/f").body == [1, 2])
        }
    }
}
