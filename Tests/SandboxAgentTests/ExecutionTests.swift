import AgentProtocol
import Testing

/// Code, and what must come of it.
struct Example: Sendable, CustomTestStringConvertible {
    let name: String
    var language = AgentLanguage.python
    let code: String
    var event = "{}"
    var reason = EndReason.exited(code: 0)
    var value: String?
    var out = ""
    /// What standard error contains; `nil`: it is empty.
    var err: String?
    var summary: String?

    var testDescription: String { self.name }
}

@Suite(.enabled(if: SandboxedAgent.isPossible, Comment(rawValue: SandboxedAgent.withoutReason)), .serialized)
struct ExecutionTests {
    @Test(.timeLimit(.minutes(10)), arguments: Example.python)
    func pythonRunsAsAProgramShould(example: Example) async throws { try await self.verify(example) }

    @Test(
        .enabled(if: SandboxedAgent.hasNode, "needs /usr/bin/node"),
        .timeLimit(.minutes(10)),
        arguments: Example.node
    )
    func javaScriptRunsAsAProgramShould(example: Example) async throws { try await self.verify(example) }

    @Test(.timeLimit(.minutes(10)), arguments: Example.shell)
    func shellRunsAsAProgramShould(example: Example) async throws { try await self.verify(example) }

    private func verify(_ example: Example) async throws {
        let agent = try await SandboxedAgent.start()
        _ = try await agent.ready()
        let end = try await agent.run(example.language, example.code, event: example.event)
        #expect(end.reason == example.reason)
        #expect(end.value == example.value)
        #expect(end.out == example.out)
        if let text = example.err { #expect(end.err.contains(text)) } else { #expect(end.err == "") }
        #expect(end.errorSummary == example.summary)
        // The sandbox is as good as before.
        let next = try await agent.run(.python, "def handler(event): return event['n'] + 1", event: "{\"n\": 1}")
        #expect(next.value == "2")
        await agent.stop()
    }
}
