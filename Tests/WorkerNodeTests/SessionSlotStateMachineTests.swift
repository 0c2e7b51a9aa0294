import Messages
import Testing

@testable import WorkerNode

/// What came of a step, as text: tables of steps are easier to read than nested enums.
private struct Walk {
    var machine = SessionSlotStateMachine<String>()
    var trace: [String] = []

    enum Step {
        case admit(String)
        case started(String)
        case startFailed
        case finished(String, lost: Bool = false)
        case sandboxEnded
        case woken
        case end(removesFiles: Bool = true)
        case cancel(String)
    }

    static func key(_ name: String) -> AttemptKey { AttemptKey(execution: ExecutionID(name), attempt: 1) }
    static func names(_ keys: [AttemptKey]) -> String { keys.map(\.execution.rawValue).joined(separator: " ") }

    mutating func take(_ step: Step) -> String {
        switch step {
        case .admit(let name):
            switch self.machine.admit(Self.key(name)) {
            case .run(let handle): "run in \(handle)"
            case .wait: "wait"
            case .wakeAndWait: "wake and wait"
            case .refuse: "refuse"
            }
        case .started(let handle):
            switch self.machine.started(handle) {
            case .ready: "ready"
            case .run(let key): "run \(key.execution)"
            case .discard(let removes): removes ? "discard all" : "discard"
            }
        case .startFailed:
            switch self.machine.startFailed() {
            case .fail(let waiting): "fail \(Self.names(waiting))"
            case .exit(let waiting): "exit \(Self.names(waiting))"
            case .discard(let removes): removes ? "discard all" : "discard"
            }
        case .finished(let name, let lost):
            switch self.machine.finished(Self.key(name), isSandboxLost: lost) {
            case .none: "none"
            case .run(let key, let handle): "run \(key.execution) in \(handle)"
            }
        case .sandboxEnded: Self.text(self.machine.sandboxEnded())
        case .woken: Self.text(self.machine.woken())
        case .end(let removesFiles):
            switch self.machine.end(removesFiles: removesFiles) {
            case .none: "none"
            case .wake: "wake"
            case .refuse(let keys): "refuse \(Self.names(keys))"
            case .stop(let handle, let refused): "stop \(handle), refuse \(Self.names(refused))"
            }
        case .cancel(let name):
            switch self.machine.cancel(Self.key(name)) {
            case .none: "none"
            case .refuse: "refuse"
            case .cancel(let handle): "cancel in \(handle)"
            }
        }
    }

    private static func text(_ action: SessionSlotStateMachine<String>.SupervisorAction) -> String {
        switch action {
        case .restart: "restart"
        case .rest: "rest"
        case .leave(let removes): removes ? "leave nothing" : "leave files"
        }
    }
}

private let slotWalks: [(name: String, steps: [(Walk.Step, String)])] = [
    (
        "orders run one at a time, in order",
        [
            (.started("a"), "ready"), (.admit("1"), "run in a"), (.admit("2"), "wait"), (.admit("3"), "wait"),
            (.finished("1"), "run 2 in a"), (.finished("2"), "run 3 in a"), (.finished("3"), "none"),
            (.admit("4"), "run in a"),
        ]
    ),
    (
        "orders wait for the start",
        [(.admit("1"), "wait"), (.admit("2"), "wait"), (.started("a"), "run 1"), (.finished("1"), "run 2 in a")]
    ),
    (
        "a start that fails takes its orders along",
        [(.admit("1"), "wait"), (.startFailed, "fail 1"), (.admit("2"), "refuse")]
    ),
    (
        "death at work restarts, whoever hears of it first: the execution",
        [
            (.started("a"), "ready"), (.admit("1"), "run in a"), (.admit("2"), "wait"),
            (.finished("1", lost: true), "none"), (.sandboxEnded, "restart"), (.started("b"), "run 2"),
        ]
    ),
    (
        "death at work restarts, whoever hears of it first: the supervisor",
        [
            (.started("a"), "ready"), (.admit("1"), "run in a"), (.admit("2"), "wait"), (.sandboxEnded, "restart"),
            (.finished("1", lost: true), "none"), (.started("b"), "run 2"), (.finished("2"), "none"),
        ]
    ),
    (
        "a late end of the dead sandbox's order does not end the next one",
        [
            (.started("a"), "ready"), (.admit("1"), "run in a"), (.admit("2"), "wait"), (.sandboxEnded, "restart"),
            (.started("b"), "run 2"), (.finished("1", lost: true), "none"), (.admit("3"), "wait"),
            (.finished("2"), "run 3 in b"),
        ]
    ),
    (
        "death while idle waits for the next order",
        [
            (.started("a"), "ready"), (.sandboxEnded, "rest"), (.admit("1"), "wake and wait"), (.admit("2"), "wait"),
            (.woken, "restart"), (.started("b"), "run 1"),
        ]
    ),
    (
        "a restart that fails ends the session",
        [
            (.started("a"), "ready"), (.sandboxEnded, "rest"), (.admit("1"), "wake and wait"), (.woken, "restart"),
            (.startFailed, "exit 1"), (.admit("2"), "refuse"),
        ]
    ),
    (
        "ending a session that starts",
        [(.admit("1"), "wait"), (.end(), "refuse 1"), (.admit("2"), "refuse"), (.started("a"), "discard all")]
    ),
    ("ending a session whose start fails", [(.end(), "refuse "), (.startFailed, "discard all")]),
    (
        "ending a session that works",
        [
            (.started("a"), "ready"), (.admit("1"), "run in a"), (.admit("2"), "wait"), (.end(), "stop a, refuse 2"),
            (.finished("1", lost: true), "none"), (.sandboxEnded, "leave nothing"), (.admit("3"), "refuse"),
        ]
    ),
    (
        "ending a session that rests",
        [(.started("a"), "ready"), (.sandboxEnded, "rest"), (.end(), "wake"), (.woken, "leave nothing")]
    ),
    (
        "a shutdown leaves the files, unless the session is ended meanwhile",
        [
            (.started("a"), "ready"), (.end(removesFiles: false), "stop a, refuse "), (.end(), "none"),
            (.end(removesFiles: false), "none"), (.sandboxEnded, "leave nothing"),
        ]
    ),
    (
        "a shutdown leaves the files",
        [(.started("a"), "ready"), (.end(removesFiles: false), "stop a, refuse "), (.sandboxEnded, "leave files")]
    ),
    (
        "cancelling what runs, waits, and is unknown",
        [
            (.started("a"), "ready"), (.admit("1"), "run in a"), (.admit("2"), "wait"), (.admit("3"), "wait"),
            (.cancel("2"), "refuse"), (.cancel("1"), "cancel in a"), (.cancel("9"), "none"),
            (.finished("1"), "run 3 in a"), (.cancel("2"), "none"),
        ]
    ),
    (
        "cancelling what waits for a start",
        [(.admit("1"), "wait"), (.admit("2"), "wait"), (.cancel("1"), "refuse"), (.started("a"), "run 2")]
    ),
]

@Suite struct SessionSlotStateMachineTests {
    @Test(arguments: slotWalks.indices)
    func goesThroughItsStates(_ index: Int) {
        var walk = Walk()
        for (number, (step, expected)) in slotWalks[index].steps.enumerated() {
            #expect(walk.take(step) == expected, "\(slotWalks[index].name), step \(number)")
        }
    }
}
