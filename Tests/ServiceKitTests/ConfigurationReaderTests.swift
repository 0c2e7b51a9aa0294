import Testing

@testable import ServiceKit

private enum Mode: String, CaseIterable { case fast, slow }

@Suite struct ConfigurationReaderTests {
    @Test func readsEveryType() throws {
        let reader = ConfigurationReader([
            "NAME": "x", "SLOTS": "7", "FACTOR": "1.5", "ON": "Yes", "WAIT": "1.5", "MODE": "slow", "TOKEN": "s3cret",
        ])
        #expect(reader.string("NAME", help: "") == "x")
        #expect(try reader.int("SLOTS", in: 1...9, default: 4, help: "") == 7)
        #expect(try reader.double("FACTOR", default: 1, help: "") == 1.5)
        #expect(try reader.bool("ON", default: false, help: "") == true)
        #expect(try reader.duration("WAIT", in: .minutes, default: .seconds(1), help: "") == .seconds(90))
        #expect(try reader.choice("MODE", default: Mode.fast, help: "") == .slow)
        #expect(reader.secret("TOKEN", help: "")?.reveal() == "s3cret")
    }

    @Test func emptyCountsAsUnset() throws {
        let reader = ConfigurationReader([
            "NAME": "", "SLOTS": "", "ON": "", "WAIT": "", "MODE": "", "TOKEN": "", "F": "",
        ])
        #expect(reader.string("NAME", help: "") == nil)
        #expect(reader.string("NAME", default: "d", help: "") == "d")
        #expect(try reader.int("SLOTS", default: 4, help: "") == 4)
        #expect(try reader.double("F", default: 0.5, help: "") == 0.5)
        #expect(try reader.bool("ON", default: true, help: "") == true)
        #expect(try reader.duration("WAIT", in: .seconds, default: .seconds(3), help: "") == .seconds(3))
        #expect(try reader.choice("MODE", default: Mode.fast, help: "") == .fast)
        #expect(reader.secret("TOKEN", help: "") == nil)
    }

    @Test(arguments: [
        ("x", "SLOTS: must be a whole number, got \"x\""), ("1.5", "SLOTS: must be a whole number, got \"1.5\""),
        ("0", "SLOTS: must be from 1 to 9, got \"0\""), ("10", "SLOTS: must be from 1 to 9, got \"10\""),
        (" 1", "SLOTS: must be a whole number, got \" 1\""),
    ])
    func namesTheKeyOfABadInteger(_ text: String, _ words: String) throws {
        let reader = ConfigurationReader(["SLOTS": text])
        let error = #expect(throws: ConfigurationError.self) {
            try reader.int("SLOTS", in: 1...9, default: 4, help: "")
        }
        #expect(error?.description == words)
    }

    @Test(arguments: ["-1", "x", "nan", "inf", "1e300"])
    func refusesABadDuration(_ text: String) {
        let reader = ConfigurationReader(["WAIT": text])
        #expect(throws: ConfigurationError.self) {
            try reader.duration("WAIT", in: .hours, default: .seconds(1), help: "")
        }
    }

    @Test func refusesWhatIsNoChoiceOrNoNumber() {
        let reader = ConfigurationReader(["MODE": "Fast", "ON": "maybe", "F": "nan"])
        #expect(throws: ConfigurationError(key: "MODE", problem: "must be one of fast, slow, got \"Fast\"")) {
            try reader.choice("MODE", default: Mode.fast, help: "")
        }
        #expect(throws: ConfigurationError(key: "ON", problem: "must be true or false, got \"maybe\"")) {
            try reader.bool("ON", default: true, help: "")
        }
        #expect(throws: ConfigurationError.self) { try reader.double("F", default: 1, help: "") }
    }

    @Test func knowsWhatWasAskedForAndWhatWasNot() throws {
        let reader = ConfigurationReader(
            ["SANDBOX_SLOTS": "1", "SANDBOX_SLOTZ": "2", "PATH": "/bin", "S3_X": "1"],
            prefixes: [
                "SANDBOX_", "S3_",
            ]
        )
        _ = try reader.int("SANDBOX_SLOTS", default: 4, help: "Jobs at a time")
        _ = try reader.int("SANDBOX_SLOTS", default: 4, help: "Again")
        _ = try reader.duration("DRAIN", in: .seconds, default: .milliseconds(1500), help: "Time to drain")
        #expect(reader.unknownKeys() == ["S3_X", "SANDBOX_SLOTZ"])
        #expect(
            reader.keys == [
                .init(name: "DRAIN", help: "Time to drain", defaultValue: "1.5", kind: "seconds"),
                .init(name: "SANDBOX_SLOTS", help: "Jobs at a time", defaultValue: "4", kind: "integer"),
            ]
        )
    }

    @Test func neverShowsASecret() throws {
        let reader = ConfigurationReader(["TOKEN": "s3cret", "SLOTS": "1"])
        let secret = try #require(reader.secret("TOKEN", help: ""))
        _ = try reader.int("SLOTS", default: 2, help: "")
        var dumped = ""
        dump(secret, to: &dumped)
        let texts = ["\(secret)", String(reflecting: secret), dumped, "\(reader.dump())", "\([secret])"]
        #expect(texts.allSatisfy { !$0.contains("s3cret") })
        #expect(reader.dump() == ["TOKEN": "<secret>", "SLOTS": "1"])
    }
}
