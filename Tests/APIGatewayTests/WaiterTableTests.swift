import ServiceKit
import Testing

@testable import APIGateway

@Suite struct WaiterTableTests {
    @Test(.timeLimit(.minutes(10))) func aValueBeforeTheQuestionIsNotMissed() async {
        let table = WaiterTable<String, Int>()
        let waiter = table.register("a", timeout: .seconds(60))
        table.resume("a", with: 1)
        guard case .value(1) = await waiter.value() else {
            Issue.record("the value was missed")
            return
        }
        #expect(!table.isAwaited("a"))
    }

    @Test(.timeLimit(.minutes(10))) func everyoneWhoWaitsGetsIt() async {
        let table = WaiterTable<String, Int>()
        let waiters = (0..<10).map { _ in table.register("a", timeout: .seconds(60)) }
        let other = table.register("b", timeout: .seconds(60))
        await withTaskGroup(of: Int?.self) { group in
            for waiter in waiters {
                group.addTask {
                    if case .value(let value) = await waiter.value() { return value }
                    return nil
                }
            }
            table.resume("a", with: 7)
            for await value in group { #expect(value == 7) }
        }
        #expect(table.isAwaited("b"))
        other.withdraw()
        #expect(!table.isAwaited("b"))
    }

    @Test(.timeLimit(.minutes(10))) func theNearestDeadlineIsNotHeldUpByALaterOne() async {
        let table = WaiterTable<String, Int>()
        let long = table.register("a", timeout: .seconds(3600))
        let short = table.register("a", timeout: .milliseconds(20))
        guard case .timedOut = await short.value() else {
            Issue.record("the time was not over")
            return
        }
        #expect(table.isAwaited("a"))
        let next = table.register("a", timeout: .milliseconds(20))
        guard case .timedOut = await next.value() else {
            Issue.record("the time was not over")
            return
        }
        table.settleAll()
        guard case .timedOut = await long.value() else {
            Issue.record("it still waits")
            return
        }
    }

    @Test(.timeLimit(.minutes(10))) func aCancelledTaskWaitsNoLonger() async {
        let table = WaiterTable<String, Int>()
        let waiter = table.register("a", timeout: .seconds(3600))
        let task = Task { await waiter.value() }
        task.cancel()
        guard case .cancelled = await task.value else {
            Issue.record("it was not cancelled")
            return
        }
        waiter.withdraw()
        #expect(!table.isAwaited("a"))
    }
}
