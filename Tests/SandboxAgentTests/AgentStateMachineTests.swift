import AgentProtocol
import Testing

@testable import SandboxAgent

@Suite struct AgentStateMachineTests {
    private func request(_ id: String) -> ExecuteRequest {
        ExecuteRequest(id: AgentExecutionID(id), language: .python, code: [])
    }

    private func idleMachine() -> AgentStateMachine {
        var machine = AgentStateMachine()
        machine.configured()
        _ = machine.prepared()
        return machine
    }

    @Test func requestsRunOneAtATimeInOrder() {
        var machine = self.idleMachine()
        #expect(machine.received(self.request("a")) == .start(self.request("a")))
        machine.started()
        #expect(machine.received(self.request("b")) == .none)
        #expect(machine.received(self.request("c")) == .none)
        #expect(machine.ended() == .start(self.request("b")))
        machine.started()
        #expect(machine.ended() == .start(self.request("c")))
    }

    @Test func whatComesBeforeTheInterpretersAreReadyWaits() {
        var machine = AgentStateMachine()
        #expect(machine.received(self.request("a")) == .none)
        machine.configured()
        #expect(machine.prepared() == .start(self.request("a")))
    }

    @Test func aWaitingRequestIsCancelledWithoutRunning() {
        var machine = self.idleMachine()
        _ = machine.received(self.request("a"))
        machine.started()
        _ = machine.received(self.request("b"))
        #expect(machine.cancelled(AgentExecutionID("b")) == .answer(AgentExecutionID("b"), .cancelled))
        #expect(machine.cancelled(AgentExecutionID("b")) == .none)
        #expect(machine.ended() == .none)
    }

    @Test func aStartingRequestIsCancelledAndTheNextOneStarts() {
        var machine = self.idleMachine()
        _ = machine.received(self.request("a"))
        _ = machine.received(self.request("b"))
        #expect(machine.cancelled(AgentExecutionID("a")) == .answer(AgentExecutionID("a"), .cancelled))
        #expect(machine.startNext() == .start(self.request("b")))
    }

    @Test func onlyTheRunningOneIsKilled() {
        var machine = self.idleMachine()
        _ = machine.received(self.request("a"))
        machine.started()
        #expect(machine.cancelled(AgentExecutionID("other")) == .none)
        #expect(machine.cancelled(AgentExecutionID("a")) == .endRunning)
    }

    @Test func aHostThatIsGoneWaitsForNothing() {
        var machine = self.idleMachine()
        _ = machine.received(self.request("a"))
        machine.started()
        _ = machine.received(self.request("b"))
        machine.hostGone()
        #expect(machine.state == .idle)
        #expect(machine.startNext() == .none)
        var early = AgentStateMachine()
        early.configured()
        _ = early.received(self.request("a"))
        early.hostGone()
        #expect(early.state == .preparing)
        #expect(early.prepared() == .none)
    }

    @Test(arguments: [
        ([], false), (["--fd"], false), (["--fd", "1"], false), (["--fd", "x"], false), (["--fd", "3", "4"], false),
        (["--connect", "/s"], false), (["--connect", "s", "5"], false), (["--connect", "/s", "0"], false),
        (["--connect", "/s", "5"], true),
    ])
    func knowsItsArguments(_ arguments: [String], _ areGood: Bool) {
        #expect((HostAddress(arguments: arguments[...]) != nil) == areGood)
    }

    @Test func aQueueWithoutEndIsRefused() {
        var machine = self.idleMachine()
        _ = machine.received(self.request("running"))
        machine.started()
        for number in 0..<AgentStateMachine.longestQueue {
            #expect(machine.received(self.request("\(number)")) == .none)
        }
        guard case .answer(let id, .couldNotStart) = machine.received(self.request("more")) else {
            Issue.record("it was taken")
            return
        }
        #expect(id.rawValue == "more")
    }
}
