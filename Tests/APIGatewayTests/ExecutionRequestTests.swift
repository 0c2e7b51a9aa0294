import HTTPServer
import Messages
import Testing

@testable import APIGateway

@Suite struct ExecutionRequestTests {
    private func parse(_ body: String) throws -> ExecutionRequest {
        try ExecutionRequest(Faults.request(body), defaults: TimeoutDefaults())
    }

    @Test(
        arguments: [
            (#"{}"#, ["body.code missing", "body.language missing"]),
            (#"{"code":"","language":"python"}"#, ["body.code string_too_short"]),
            (#"{"code":5,"language":"python"}"#, ["body.code string_type"]),
            (#"{"code":"x","language":"cobol"}"#, ["body.language literal_error"]),
            (#"{"code":"x","language":"python","timeout":0}"#, ["body.timeout greater_than_equal"]),
            (#"{"code":"x","language":"python","timeout":3601}"#, ["body.timeout less_than_equal"]),
            (#"{"code":"x","language":"python","event":[]}"#, ["body.event dict_type"]),
            (#"{"code":"x","language":"python","env_vars":{"A":null}}"#, ["body.env_vars.A string_type"]),
            (#"{"code":"\ud800","language":"python"}"#, ["body.code string_unicode"]),
            (#"{"code":"x","language":"python",}"#, ["body.32 json_invalid"]),
            (#""text""#, ["body model_attributes_type"]),
        ]
    )
    func everyFaultOfABodyIsTold(_ body: String, _ faults: [String]) {
        #expect(Faults.of { _ = try self.parse(body) } == faults)
    }

    @Test func codeHasItsLimitInCharacters() throws {
        let longest = String(repeating: "é", count: 102_400)
        #expect(try self.parse(#"{"code":"\#(longest)","language":"python"}"#).code == longest)
        #expect(
            Faults.of { _ = try self.parse(#"{"code":"\#(longest)x","language":"python"}"#) }
                == ["body.code string_too_long"]
        )
    }

    @Test(arguments: [#"{"n": 12345678901234567890123, "x":1.0}"#, #"{"s":"\ud800","a":1,"a":2}"#, "{ }"])
    func theEventTravelsAsItCame(_ event: String) throws {
        #expect(try self.parse(#"{"code":"x","language":"shell","event":\#(event)}"#).event == Array(event.utf8))
    }

    @Test func depthIsLimited() {
        let deep = String(repeating: "[", count: 63) + String(repeating: "]", count: 63)
        #expect(Faults.of { _ = try self.parse(#"{"code":"x","language":"shell","event":{"a":\#(deep)}}"#) } != [])
        let flat = String(repeating: "[", count: 62) + String(repeating: "]", count: 62)
        #expect(Faults.of { _ = try self.parse(#"{"code":"x","language":"shell","event":{"a":\#(flat)}}"#) } == [])
    }

    @Test func manyVariablesAreRefusedQuickly() {
        let variables = (0..<60_000).map { #""K\#($0)":"v""# }.joined(separator: ",")
        let body = #"{"code":"x","language":"shell","env_vars":{\#(variables)}}"#
        #expect(Faults.of { _ = try self.parse(body) } == ["body.env_vars too_long"])
    }

    @Test func whatIsNotGivenHasItsDefault() throws {
        let request = try self.parse(#"{"code":"x","language":"javascript","event":null,"timeout":null}"#)
        #expect(request.language == .javascript)
        #expect(request.timeoutSeconds == 30)
        #expect(request.event == Array("{}".utf8))
        #expect(request.retries == 0)
    }
}
