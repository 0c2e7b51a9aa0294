import HTTPClient
import ServiceKit
import Testing

@testable import SandboxCLI

@Suite struct ClientTests {
    @Test(arguments: [
        ("plain-1.txt", "plain-1.txt"), ("a b", "a%20b"), ("a/b", "a%2Fb"), ("é", "%C3%A9"), ("..", ".."), ("%", "%25"),
        ("?#&", "%3F%23%26"), ("\n", "%0A"),
    ]) func aSegmentCannotBecomeMore(_ text: String, _ segment: String) {
        #expect(text.percentEncoded == segment)
    }

    @Test func readsVariables() throws {
        #expect(try ClientCommand.environment(["A=1", "B=x=y", "C="]) == ["A": "1", "B": "x=y", "C": ""])
    }

    @Test(arguments: ["A", "=1", ""]) func refusesWhatIsNoVariable(_ text: String) {
        #expect(throws: UsageError.self) { try ClientCommand.environment([text]) }
    }

    @Test(arguments: [["run"], ["session"], ["exec"], ["files"], ["template"], ["status"], ["serve"]])
    func everyCommandIsThere(_ words: [String]) async {
        let printed = Locked("")
        let status = await SandboxCommand.root(environment: [:]).run(
            words + ["--help"],
            output: { text in printed.withLock { $0 += text } },
            errors: { _ in }
        )
        #expect(status == 0)
        #expect(printed.withLock { $0 }.contains("Usage: sandbox \(words[0])"))
        // Those that speak to a server all say where it is, and can answer in JSON.
        #expect(printed.withLock { $0 }.contains("--url") == (words != ["serve"]))
        #expect(printed.withLock { $0 }.contains("--json") == (words != ["serve"]))
    }
}
