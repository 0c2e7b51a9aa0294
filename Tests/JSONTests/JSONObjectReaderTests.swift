import JSON
import Testing

@Suite struct JSONObjectReaderTests {
    private func reader(_ text: String) throws -> JSONObjectReader { try JSONObjectReader(Array(text.utf8)) }

    /// What pydantic 2 makes of the same input; produced by it.
    @Test(arguments: [
        ("1", 1), ("1.0", 1), ("1e2", 100), ("true", 1), ("false", 0), ("\"5\"", 5), ("\" 5 \"", 5), ("\"+5\"", 5),
        ("\"-5\"", -5),
        ("\"5.0\"", 5), ("\"1_000\"", 1000), ("-0", 0), ("-0.0", 0), ("\"\\u00a05\"", 5), ("\"007\"", 7),
        ("\"1_0.0\"", 10),
        ("\"-0.0\"", 0), ("9223372036854775807", Int.max), ("-9223372036854775808", Int.min),
    ])
    func readsAnInteger(_ text: String, _ value: Int) throws {
        #expect(try self.reader("{\"u\":\(text)}").int("u") == value)
        #expect(try self.reader("{\"u\":\(text)}").optionalInt("u") == value)
    }

    @Test(arguments: [
        ("1.5", "int_from_float"), ("\"5.\"", "int_parsing"), ("\".0\"", "int_parsing"), ("\"5.5\"", "int_parsing"),
        ("\"1__0\"", "int_parsing"), ("\"_1\"", "int_parsing"), ("\"1_\"", "int_parsing"), ("\"abc\"", "int_parsing"),
        ("\"\"", "int_parsing"), ("\"5e2\"", "int_parsing"), ("\"٥\"", "int_parsing"), ("[]", "int_type"),
        ("{}", "int_type"),
        ("null", "int_type"), ("1e400", "finite_number"), ("1e20", "int_parsing_size"), ("\"0x10\"", "int_parsing"),
        ("\"--5\"", "int_parsing"), ("\"+-5\"", "int_parsing"), ("\"1.0_0\"", "int_parsing"), ("\" \"", "int_parsing"),
        ("12345678901234567890", "int_parsing_size"),
    ])
    func refusesWhatIsNoInteger(_ text: String, _ code: String) throws {
        let reader = try self.reader("{\"u\":\(text)}")
        let fault = #expect(throws: JSONFieldFault.self) { try reader.int("u") }
        #expect(fault?.code.rawValue == code)
        #expect(fault?.path == ["body", "u"])
    }

    @Test(arguments: [
        ("0", "Input should be greater than or equal to 1"), ("65", "Input should be less than or equal to 64"),
        ("100000000000000000000", "Input should be less than or equal to 64"),
        ("-100000000000000000000", "Input should be greater than or equal to 1"),
    ])
    func tellsTheBoundOfAnInteger(_ text: String, _ words: String) throws {
        let reader = try self.reader("{\"i\":\(text)}")
        #expect(throws: JSONFieldFault.self) { try reader.int("i", in: 1...64) }
        let fault = #expect(throws: JSONFieldFault.self) { try reader.optionalInt("i", in: 1...64) }
        #expect(fault?.message == words)
    }

    @Test(arguments: [
        ("1", 1), ("\"2\"", 2), ("true", 1), ("\"1e0\"", 1), ("\" 1.5 \"", 1.5), ("\"1.\"", 1), ("\".5\"", 0.5),
        ("\"+1\"", 1),
        ("0.5", 0.5), ("4", 4),
    ])
    func readsANumber(_ text: String, _ value: Double) throws {
        #expect(try self.reader("{\"f\":\(text)}").double("f", in: 0.5...4) == value)
    }

    @Test(arguments: [
        ("0.4", "greater_than_equal", "Input should be greater than or equal to 0.5"),
        ("4.1", "less_than_equal", "Input should be less than or equal to 4"),
        ("\"1_0\"", "less_than_equal", "Input should be less than or equal to 4"),
        ("1e400", "less_than_equal", "Input should be less than or equal to 4"),
        ("\"nan\"", "less_than_equal", "Input should be less than or equal to 4"),
        ("\"abc\"", "float_parsing", "Input should be a valid number, unable to parse string as a number"),
        ("\"0x1p0\"", "float_parsing", "Input should be a valid number, unable to parse string as a number"),
        ("\"\"", "float_parsing", "Input should be a valid number, unable to parse string as a number"),
        ("[]", "float_type", "Input should be a valid number"),
    ])
    func refusesWhatIsNoNumberInRange(_ text: String, _ code: String, _ words: String) throws {
        let reader = try self.reader("{\"f\":\(text)}")
        let fault = #expect(throws: JSONFieldFault.self) { try reader.optionalDouble("f", in: 0.5...4) }
        #expect(fault?.code.rawValue == code)
        #expect(fault?.message == words)
    }

    @Test func noNumberIsInfinite() throws {
        let reader = try self.reader("{\"f\":1e400}")
        let fault = #expect(throws: JSONFieldFault.self) { try reader.double("f") }
        #expect(fault?.code == .finiteNumber)
    }

    @Test(arguments: [
        ("1", true), ("0", false), ("1.0", true), ("0.0", false), ("\"yes\"", true), ("\"ON\"", true), ("\"t\"", true),
        ("\"1\"", true),
        ("\"oFF\"", false), ("-0.0", false), ("true", true), ("false", false),
    ])
    func readsTrueAndFalse(_ text: String, _ value: Bool) throws {
        #expect(try self.reader("{\"b\":\(text)}").bool("b") == value)
    }

    @Test(arguments: [
        ("2", "bool_parsing"), ("0.5", "bool_type"), ("\"maybe\"", "bool_parsing"), ("\"\"", "bool_parsing"),
        ("[]", "bool_type"),
        ("\" true\"", "bool_parsing"), ("100000000000000000000000", "bool_type"),
    ])
    func refusesWhatIsNeither(_ text: String, _ code: String) throws {
        let reader = try self.reader("{\"b\":\(text)}")
        let fault = #expect(throws: JSONFieldFault.self) { try reader.optionalBool("b") }
        #expect(fault?.code.rawValue == code)
    }

    @Test(arguments: [
        ("\"\"", "String should have at least 1 character"), ("\"abcd\"", "String should have at most 3 characters"),
        ("1", "Input should be a valid string"), ("null", "Input should be a valid string"),
        ("\"\\ud800\"", "Input should be a valid string, unable to parse raw data as a unicode string"),
        ("\"\\udc00\\ud800\"", "Input should be a valid string, unable to parse raw data as a unicode string"),
    ])
    func refusesATextOfTheWrongKindOrLength(_ text: String, _ words: String) throws {
        let reader = try self.reader("{\"s\":\(text)}")
        let fault = #expect(throws: JSONFieldFault.self) { try reader.string("s", length: 1...3) }
        #expect(fault?.message == words)
    }

    @Test(arguments: [
        ("\"\\ud83d\\ude00ab\"", "😀ab"), ("\"\\u00e4\\/\"", "ä/"), ("\"a\\\"b\"", "a\"b"), ("\"\\n\\t\\r\"", "\n\t\r"),
        ("\"\\b\\f\\\\\"", "\u{8}\u{c}\\"), ("\"\\u0000\"", "\0"), ("\"\\uD83D\\uDE00\"", "😀"),
    ])
    func resolvesEscapes(_ text: String, _ value: String) throws {
        #expect(try self.reader("{\"s\":\(text)}").string("s") == value)
    }

    @Test func knowsNullFromAbsent() throws {
        let reader = try self.reader("{\"n\":null}")
        #expect(reader.contains("n"))
        #expect(reader.kind("n") == .null)
        #expect(!reader.contains("m"))
        #expect(try reader.optionalString("n") == nil)
        #expect(throws: JSONFieldFault(.missing, at: ["body", "m"])) { try reader.string("m") }
        #expect(throws: JSONFieldFault(.missing, at: ["body", "m"])) { try reader.int("m") }
    }

    @Test func theLastOfTwoCounts() throws {
        let reader = try self.reader("{\"a\":1,\"b\":0,\"\\u0061\":2}")
        #expect(try reader.int("a") == 2)
        #expect(reader.keys == ["a", "b"])
    }

    @Test func lendsTheBytesThatCameIn() throws {
        let reader = try self.reader(" { \"event\" : {\"n\": 12345678901234567890, \"f\":1.0 } , \"x\":1}")
        let event = try #require(reader.rawBytes("event"))
        #expect(String(decoding: event, as: UTF8.self) == "{\"n\": 12345678901234567890, \"f\":1.0 }")
        #expect(reader.kind("event") == .object)
        #expect(try reader.object("event").double("f") == 1)
    }

    @Test func readsMapsListsAndObjects() throws {
        let reader = try self.reader(
            "{\"env\":{\"A\":\"1\",\"A\":\"2\",\"B\\u0000\":\"\"},\"tags\":[ \"a\" , \"b\"],\"deps\":[{\"name\":\"x\"},{\"name\":7}]}"
        )
        #expect(try reader.stringMap("env") == ["A": "2", "B\0": ""])
        #expect(try reader.optionalStrings("tags") == ["a", "b"])
        let dependencies = try reader.objects("deps", count: 1...2)
        #expect(try dependencies[0].string("name") == "x")
        #expect(throws: JSONFieldFault(.stringType, at: ["body", "deps", 1, "name"])) {
            try dependencies[1].string("name")
        }
        #expect(throws: JSONFieldFault(.dictType, at: ["body", "tags"])) { try reader.optionalStringMap("tags") }
        #expect(throws: JSONFieldFault(.listType, at: ["body", "env"])) { try reader.optionalObjects("env") }
        #expect(throws: JSONFieldFault(.modelType, at: ["body", "tags", 0])) { try reader.objects("tags") }
        let many = #expect(throws: JSONFieldFault.self) { try reader.objects("deps", count: 0...1) }
        #expect(many?.message == "List should have at most 1 item after validation, not 2")
        let map = try self.reader("{\"d\":{\"a\":null}}")
        #expect(throws: JSONFieldFault(.stringType, at: ["body", "d", "a"])) { try map.stringMap("d") }
    }

    @Test func namesTheChoices() throws {
        let reader = try self.reader("{\"l\":\"z\",\"n\":null}")
        let fault = #expect(throws: JSONFieldFault.self) { try reader.literal("l", of: ["a", "b", "c"]) }
        #expect(fault == JSONFieldFault(.literal, at: ["body", "l"], "Input should be 'a', 'b' or 'c'"))
        #expect(throws: JSONFieldFault(.enumeration, at: ["body", "n"], "Input should be 'a'")) {
            try reader.literal("n", of: ["a"], code: .enumeration)
        }
        #expect(try reader.optionalLiteral("n", of: ["a"]) == nil)
        #expect(try reader.literal("l", of: ["y", "z"]) == "z")
    }

    @Test(arguments: [
        ("", "missing"), ("[]", "model_attributes_type"), ("[", "json_invalid"), ("{\"a\":1}x", "json_invalid"),
        ("{", "json_invalid"),
        ("{\"a\" 1}", "json_invalid"), ("{\"a\":1,}", "json_invalid"), ("{,}", "json_invalid"),
    ])
    func tellsWhatIsWrongWithABody(_ text: String, _ code: String) {
        let fault = #expect(throws: JSONFault.self) { try self.reader(text) }
        #expect(fault?.fieldFault.code.rawValue == code)
    }

    @Test func countsItsOwnLevelAsOne() {
        func nested(_ depth: Int) -> String {
            "{\"a\":" + String(repeating: "[", count: depth - 1) + String(repeating: "]", count: depth - 1) + "}"
        }
        #expect(throws: Never.self) { try self.reader(nested(512)) }
        let fault = #expect(throws: JSONFault.self) { try self.reader(nested(513)) }
        #expect(fault?.code == .depth)
    }

    @Test func readsAnArrayOfObjects() throws {
        let readers = try JSONObjectReader.array(Array(" [{\"id\":\"a\"} , {\"id\":\"b\"}] ".utf8))
        #expect(try readers.map { try $0.string("id") } == ["a", "b"])
        #expect(throws: JSONFieldFault(.missing, at: ["body", 1, "x"])) { try readers[1].string("x") }
        #expect(throws: JSONFault(.notAnArray, offset: 0)) { try JSONObjectReader.array(Array("{}".utf8)) }
        #expect(throws: JSONFault(.notAnObject, offset: 1)) { try JSONObjectReader.array(Array("[1]".utf8)) }
    }

    @Test func collectsTheFaultsOfAllFields() throws {
        let reader = try self.reader("{\"timeout\":0,\"name\":\"x\"}")
        var faults = JSONFieldFaults()
        let timeout = faults.collect { () throws(JSONFieldFault) in try reader.int("timeout", in: 1...60) }
        let name = faults.collect { () throws(JSONFieldFault) in try reader.string("name") }
        let code = faults.collect { () throws(JSONFieldFault) in try reader.string("code") }
        #expect(timeout == nil)
        #expect(name == "x")
        #expect(code == nil)
        let body = String(decoding: JSONFieldFault.body(of: faults.all), as: UTF8.self)
        #expect(
            body == #"{"detail":[{"loc":["body","timeout"],"msg":"Input should be greater than or equal to 1","#
                + #""type":"greater_than_equal"},{"loc":["body","code"],"msg":"Field required","type":"missing"}]}"#
        )
    }
}
