import Testing

@testable import ServiceKit

@Suite struct ServiceGroupStateMachineTests {
    @Test func asksFromTheLastToTheFirst() {
        var machine = ServiceGroupStateMachine(count: 3)
        #expect(machine.shutdownRequested() == .ask(2, startsTimer: true))
        #expect(machine.shutdownRequested() == .none)
        #expect(machine.ended(2) == .ask(1, startsTimer: false))
        #expect(machine.ended(1) == .ask(0, startsTimer: false))
        #expect(machine.ended(0) == .finish)
        #expect(machine.state == .over)
    }

    @Test func oneThatEndsOutOfTurnIsNotAskedAgain() {
        var machine = ServiceGroupStateMachine(count: 3)
        _ = machine.shutdownRequested()
        #expect(machine.ended(1) == .none)
        #expect(machine.ended(2) == .ask(0, startsTimer: false))
        #expect(machine.ended(0) == .finish)
    }

    @Test func oneThatEndsUnaskedStopsTheRest() {
        var machine = ServiceGroupStateMachine(count: 2)
        #expect(machine.ended(1) == .ask(0, startsTimer: true))
        #expect(machine.ended(0) == .finish)
    }

    @Test func theDrainTimeoutCancelsWhatIsLeft() {
        var machine = ServiceGroupStateMachine(count: 2)
        #expect(machine.drainTimedOut() == .none)
        _ = machine.shutdownRequested()
        #expect(machine.drainTimedOut() == .cancelAll)
        #expect(machine.running == [0, 1])
        #expect(machine.ended(0) == .none)
        #expect(machine.ended(1) == .finish)
        #expect(machine.drainTimedOut() == .none)
    }

    @Test func cancellationWaitsForEveryService() {
        var machine = ServiceGroupStateMachine(count: 2)
        #expect(machine.wasCancelled() == .cancelAll)
        #expect(machine.wasCancelled() == .none)
        #expect(machine.shutdownRequested() == .none)
        #expect(machine.ended(1) == .none)
        #expect(machine.ended(0) == .finish)
    }

    @Test func anEmptyGroupIsOverWhenAsked() {
        var machine = ServiceGroupStateMachine(count: 0)
        #expect(machine.state == .running)
        #expect(machine.shutdownRequested() == .finish)
    }
}
