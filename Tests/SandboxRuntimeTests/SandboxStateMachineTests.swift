import AgentProtocol
import ServiceKit
import Testing

@testable import SandboxRuntime

@Suite struct SandboxStateMachineTests {
    /// What somebody who waits was told.
    private final class Answers: Sendable {
        private let texts = Locked<[String]>([])
        var all: [String] { self.texts.withLock { $0 } }

        func order(_ name: String) -> SandboxStateMachine.OrderAnswer {
            { result in
                switch result {
                case .success(let end): self.texts.withLock { $0.append("\(name) \(end.id)") }
                case .failure(let error): self.texts.withLock { $0.append("\(name) \(error.code)") }
                }
            }
        }

        func ready(_ name: String) -> SandboxStateMachine.ReadyAnswer {
            { result in
                switch result {
                case .success: self.texts.withLock { $0.append("\(name) ready") }
                case .failure(let error): self.texts.withLock { $0.append("\(name) \(error.code)") }
                }
            }
        }
    }

    private let answers = Answers()
    private let ready = AgentMessage.ready(AgentReady(languages: []))
    private func ended(_ id: String) -> AgentMessage {
        .ended(ExecutionEnd(id: AgentExecutionID(id), reason: .exited(code: 0)))
    }

    /// Does what the machine says, as far as it answers somebody; names the rest.
    private func perform(_ action: SandboxStateMachine.Action) -> String {
        switch action {
        case .none: return "none"
        case .send: return "send"
        case .kill: return "kill"
        case .answerReady(let answer, let ready): answer(.success(ready))
        case .answerOrder(let answer, let end): answer(.success(end))
        case .refuse(let answer, let error): answer(.failure(error))
        case .refuseReady(let answer, let error): answer(.failure(error))
        case .announce(let end, let ready, let order):
            ready?(.failure(SandboxStateMachine.lost(end)))
            order?(.failure(SandboxStateMachine.lost(end)))
            return "announce \(end)"
        }
        return "answer"
    }

    private func idle() -> SandboxStateMachine {
        var machine = SandboxStateMachine()
        _ = machine.received(self.ready)
        return machine
    }

    @Test func tellsWhoWaitsThatTheAgentIsReady() {
        var machine = SandboxStateMachine()
        #expect(self.perform(machine.awaitReady(self.answers.ready("a"))) == "none")
        #expect(self.perform(machine.execute(AgentExecutionID("1"), self.answers.order("1"))) == "answer")
        #expect(self.perform(machine.received(self.ready)) == "answer")
        #expect(self.answers.all == ["1 busy", "a ready"])
    }

    @Test func remembersAnAgentThatWasReadyBeforeAnybodyAsked() {
        var machine = self.idle()
        #expect(self.perform(machine.awaitReady(self.answers.ready("a"))) == "answer")
        #expect(self.answers.all == ["a ready"])
    }

    @Test func takesOneOrderAtATime() {
        var machine = self.idle()
        #expect(self.perform(machine.execute(AgentExecutionID("1"), self.answers.order("1"))) == "send")
        #expect(self.perform(machine.execute(AgentExecutionID("2"), self.answers.order("2"))) == "answer")
        #expect(self.perform(machine.received(self.ended("1"))) == "answer")
        #expect(self.perform(machine.execute(AgentExecutionID("3"), self.answers.order("3"))) == "send")
        #expect(self.answers.all == ["2 busy", "1 1"])
    }

    @Test func losesTheOrderOfASandboxThatDies() {
        var machine = self.idle()
        _ = machine.execute(AgentExecutionID("1"), self.answers.order("1"))
        #expect(self.perform(machine.stop(nil)) == "kill")
        // Nobody is told before everything is gone.
        #expect(self.answers.all.isEmpty)
        #expect(self.perform(machine.received(self.ended("1"))) == "none")
        let observed = SandboxEnd(reason: .killed(signal: 9), detail: "x")
        #expect(self.perform(machine.gone(observed)) == "announce the agent was killed by signal 9: x")
        #expect(self.answers.all == ["1 sandboxLost"])
        #expect(machine.end == observed)
        #expect(self.perform(machine.gone(SandboxEnd(reason: .stopped))) == "none")
    }

    @Test func keepsTheFirstReasonOfItsEnd() {
        var machine = self.idle()
        #expect(self.perform(machine.stop(nil)) == "kill")
        #expect(self.perform(machine.stop(SandboxEnd(reason: .stopped))) == "none")
        #expect(self.perform(machine.stop(SandboxEnd(reason: .protocolViolation))) == "none")
        #expect(self.perform(machine.gone(SandboxEnd(reason: .exited(code: 1), detail: "y"))) == "announce stopped: y")
    }

    @Test(arguments: [0, 1, 2]) func takesNothingThatNobodyAskedFor(_ which: Int) {
        var machine = self.idle()
        let message = [self.ended("1"), self.ready, AgentMessage.fault("broken")][which]
        #expect(self.perform(machine.received(message)) == "kill")
        _ = machine.gone(SandboxEnd(reason: .exited(code: 70)))
        #expect(machine.end?.reason == (which == 2 ? .exited(code: 1) : .protocolViolation))
    }

    @Test func refusesOrdersFromItsEndOn() {
        var machine = self.idle()
        _ = machine.stop(SandboxEnd(reason: .stopped))
        _ = self.perform(machine.execute(AgentExecutionID("1"), self.answers.order("1")))
        _ = machine.gone(SandboxEnd(reason: .stopped))
        _ = self.perform(machine.execute(AgentExecutionID("2"), self.answers.order("2")))
        _ = self.perform(machine.awaitReady(self.answers.ready("a")))
        #expect(self.answers.all == ["1 sandboxLost", "2 sandboxLost", "a sandboxLost"])
    }

    @Test func failsTheStartOfASandboxThatDiesInIt() {
        var machine = SandboxStateMachine()
        _ = machine.awaitReady(self.answers.ready("a"))
        #expect(self.perform(machine.gone(SandboxEnd(reason: .exited(code: 1)))) == "announce the agent exited with 1")
        #expect(self.answers.all == ["a sandboxLost"])
    }
}
