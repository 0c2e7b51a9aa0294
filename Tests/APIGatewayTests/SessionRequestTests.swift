import HTTPServer
import Messages
import Testing

@testable import APIGateway

@Suite struct SessionRequestTests {
    private static let template = Template(
        id: TemplateID("t"),
        name: "T",
        imageURL: "image",
        runtime: .python311,
        cpuMillis: 1500,
        memoryMB: 1024,
        environment: ["A": "template"],
        createdAt: Timestamp(microseconds: 0),
        updatedAt: Timestamp(microseconds: 0)
    )

    private func parse(_ body: String) throws -> SessionRequest {
        try SessionRequest(Faults.request(body), defaults: TimeoutDefaults())
    }

    @Test(
        arguments: [
            (#"{}"#, ["body.template_id missing"]),
            (#"{"template_id":""}"#, ["body.template_id string_too_short"]),
            (#"{"template_id":"t","timeout":0}"#, ["body.timeout greater_than_equal"]),
            (#"{"template_id":"t","timeout":3601}"#, ["body.timeout less_than_equal"]),
            (#"{"template_id":"t","timeout":"x"}"#, ["body.timeout int_parsing"]),
            (#"{"template_id":"t","timeout":1.5}"#, ["body.timeout int_from_float"]),
            (#"{"template_id":"t","id":"a/b"}"#, ["body.id string_pattern_mismatch"]),
            (#"{"template_id":"t","cpu":"0"}"#, ["body.cpu value_error"]),
            (
                #"{"template_id":"t","cpu":"lots","memory":"512Qi"}"#,
                ["body.cpu value_error", "body.memory value_error"]
            ),
            (#"{"template_id":"t","disk":"-1Gi"}"#, ["body.disk value_error"]),
            (#"{"template_id":"t","env_vars":[]}"#, ["body.env_vars dict_type"]),
            (#"{"template_id":"t","env_vars":{"A=B":"x"}}"#, ["body.env_vars.A=B value_error"]),
            (#"{"template_id":"t","env_vars":{"A":"\u0000"}}"#, ["body.env_vars.A value_error"]),
            (#"{"template_id":"t","event":5}"#, ["body.event dict_type"]),
            (#"{"template_id":"t","install_timeout":29}"#, ["body.install_timeout greater_than_equal"]),
            (#"{"template_id":"t","install_timeout":1801}"#, ["body.install_timeout less_than_equal"]),
            (#"{"template_id":"t","dependencies":"x"}"#, ["body.dependencies list_type"]),
            (#"{"template_id":"t","dependencies":[{}]}"#, ["body.dependencies.0.name missing"]),
            (
                #"{"template_id":"t","python_package_index_url":"ftp://x"}"#,
                ["body.python_package_index_url value_error"]
            ),
        ]
    )
    func everyFaultOfABodyIsTold(_ body: String, _ faults: [String]) {
        #expect(Faults.of { _ = try self.parse(body) } == faults)
    }

    @Test(
        arguments: [
            "../x", "/abs", "a;b", "https://example.org/x", "a b", "pandas2.3.3", "x==1", "", "-a", "a[extra]", "Ω",
        ]
    )
    func whatIsNoPackageNameIsRefused(_ name: String) {
        let body = #"{"template_id":"t","dependencies":[{"name":"\#(name)"}]}"#
        let faults = Faults.of { _ = try self.parse(body) }
        #expect(faults.count == 1)
        #expect(faults.first?.hasPrefix("body.dependencies.0.name ") == true)
    }

    @Test(arguments: ["urllib3", "some-name-123", "zope.interface", "A_b", "x", "backports.zoneinfo", "py3"])
    func packageNamesAreTaken(_ name: String) throws {
        let body = #"{"template_id":"t","dependencies":[{"name":"\#(name)"}]}"#
        #expect(try self.parse(body).dependencies.dependencies == [Dependency(name: name, version: nil)])
    }

    @Test(
        arguments: [
            ("1.0.2", "==1.0.2"), ("==1.0.2", "==1.0.2"), ("", nil), ("  ", nil), (">=1.0, <2", ">=1.0,<2"),
            ("~=1.4", "~=1.4"), ("===1", "===1"), ("1.*", "==1.*"), ("1.0+cu118", "==1.0+cu118"),
        ] as [(String, String?)]
    )
    func aVersionHasItsOperator(_ given: String, _ kept: String?) throws {
        let body = #"{"template_id":"t","dependencies":[{"name":"n","version":"\#(given)"}]}"#
        #expect(try self.parse(body).dependencies.dependencies == [Dependency(name: "n", version: kept)])
    }

    @Test(arguments: ["=1", "1;x", ">=", "1,", "git+https://x", "1 2", "==1 ; python_version<'3'"])
    func whatIsNoVersionIsRefused(_ version: String) {
        let body = #"{"template_id":"t","dependencies":[{"name":"n","version":"\#(version)"}]}"#
        #expect(Faults.of { _ = try self.parse(body) } == ["body.dependencies.0.version value_error"])
    }

    @Test func fiftyPackagesAreTakenAndNotMore() throws {
        func body(_ count: Int) -> String {
            let list = (0..<count).map { #"{"name":"n\#($0)"}"# }.joined(separator: ",")
            return #"{"template_id":"t","dependencies":[\#(list)]}"#
        }
        #expect(try self.parse(body(50)).dependencies.dependencies.count == 50)
        #expect(Faults.of { _ = try self.parse(body(51)) } == ["body.dependencies too_long"])
    }

    @Test func whatIsAbsentComesFromTheTemplate() throws {
        let spec = try self.parse(#"{"template_id":"t"}"#).spec(from: Self.template, maxProcesses: 7, now: .now())
        #expect(spec.resources.cpu == "1.5")
        #expect(spec.resources.memory == "1024Mi")
        #expect(spec.resources.memoryBytes == 1 << 30)
        #expect(spec.resources.maxProcesses == 7)
        #expect(spec.timeoutSeconds == 300)
        #expect(spec.templateEnvironment == ["A": "template"])
        #expect(spec.environment.isEmpty)
        #expect(spec.id.rawValue.hasPrefix("sess_"))
    }

    @Test func whatIsGivenIsKeptAsWritten() throws {
        let body = #"{"template_id":"t","id":"mine","cpu":"0.50","memory":"1Gi","disk":"2G","event":{"n": 1.0}}"#
        let spec = try self.parse(body).spec(from: Self.template, maxProcesses: 7, now: .now())
        #expect(spec.id == SessionID("mine"))
        #expect(spec.resources.cpu == "0.50")
        #expect(spec.resources.cpuMillis == 500)
        #expect(spec.resources.memory == "1Gi")
        #expect(spec.resources.diskBytes == 2_000_000_000)
        #expect(spec.event == Array(#"{"n": 1.0}"#.utf8))
    }
}
