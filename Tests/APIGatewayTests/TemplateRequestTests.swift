import HTTPServer
import JSON
import Messages
import Testing

@testable import APIGateway

@Suite struct TemplateRequestTests {
    @Test(
        arguments: [
            (#"{}"#, ["body.id missing", "body.name missing", "body.image_url missing", "body.runtime_type missing"]),
            (#"{"id":"","name":"n","image_url":"i","runtime_type":"python3.11"}"#, ["body.id string_too_short"]),
            (
                #"{"id":"a b","name":"n","image_url":"i","runtime_type":"python3.11"}"#,
                ["body.id string_pattern_mismatch"]
            ),
            (#"{"id":1,"name":"n","image_url":"i","runtime_type":"python3.11"}"#, ["body.id string_type"]),
            (#"{"id":"a","name":"n","image_url":"i","runtime_type":"ruby"}"#, ["body.runtime_type literal_error"]),
            (
                #"{"id":"a","name":"","image_url":"","runtime_type":"python3.11","default_cpu_cores":0.05}"#,
                [
                    "body.name string_too_short", "body.image_url string_too_short",
                    "body.default_cpu_cores greater_than_equal",
                ]
            ),
            (
                #"{"id":"a","name":"n","image_url":"i","runtime_type":"python3.11","default_memory_mb":127}"#,
                ["body.default_memory_mb greater_than_equal"]
            ),
            (
                #"{"id":"a","name":"n","image_url":"i","runtime_type":"python3.11","default_disk_mb":51201}"#,
                ["body.default_disk_mb less_than_equal"]
            ),
            (
                #"{"id":"a","name":"n","image_url":"i","runtime_type":"python3.11","default_timeout":59}"#,
                ["body.default_timeout greater_than_equal"]
            ),
            (
                #"{"id":"a","name":"n","image_url":"i","runtime_type":"python3.11","default_env_vars":{"A":1}}"#,
                ["body.default_env_vars.A string_type"]
            ),
            ("[]", ["body model_attributes_type"]), ("", ["body missing"]), ("{", ["body.1 json_invalid"]),
        ]
    )
    func everyFaultOfABodyIsTold(_ body: String, _ faults: [String]) throws {
        #expect(Faults.of { _ = try TemplateRequest.create(Faults.request(body), now: .now()) } == faults)
    }

    @Test func whatIsAbsentOrNullIsNotChanged() throws {
        let body = #"{"name":null,"default_memory_mb":1024,"default_env_vars":{},"id":"other"}"#
        let change = try TemplateRequest.update(TemplateID("t"), Faults.request(body))
        var expected = TemplateChange(id: TemplateID("t"))
        expected.memoryMB = 1024
        expected.environment = [:]
        #expect(change == expected)
    }

    @Test func changesKeepTheLimits() throws {
        let body = #"{"name":"","default_cpu_cores":4.1,"default_timeout_sec":3601}"#
        #expect(
            Faults.of { _ = try TemplateRequest.update(TemplateID("t"), Faults.request(body)) } == [
                "body.name string_too_short", "body.default_cpu_cores less_than_equal",
                "body.default_timeout_sec less_than_equal",
            ]
        )
    }
}
