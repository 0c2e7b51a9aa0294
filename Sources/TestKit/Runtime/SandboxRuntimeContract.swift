public import SandboxRuntime
import Testing

/// The promises of `SandboxRuntime`, one case each, so that each implementation reports each promise separately.
public enum SandboxRuntimeContract: String, CaseIterable, Sendable {
    // Of any implementation.
    case runsAnOrder
    case refusesAnUnknownImageNamingTheKnown
    case refusesASecondSandboxOfTheSameID
    case runsOneOrderAtATime
    case cancelsAnOrder
    case cancelsAnOrderWithItsTask
    case ignoresACancelThatComesTooLate
    case tellsItsEndOnceStopped
    case startsAgainAfterStopping
    case losesARunningOrderWithTheSandbox
    case interruptsWhoWaitsForTheEnd
    case leavesNothingOfACancelledStart
    case endsEverythingOnShutDown

    // Of those that run real code.
    case returnsWhatAHandlerReturns
    case givesEventAndEnvironment
    case reportsExitCodesAndBothOutputs
    case reportsAnException
    case runsJavaScript
    case cutsAndCountsOutput
    case measuresWhatWasUsed
    case killsEverythingAtTheTimeout
    case leavesNoProcessOfAnOrder
    case keepsFilesFromOneOrderToTheNext
    case survivesAForkBomb
    case limitsMemory
    case limitsTheSizeOfAFile
    case appliesOtherLimitsWhileItRuns
    case hasNoNetwork
    case hidesTheHost
    case allowsWritingInTwoPlacesOnly
    case runsWithoutPrivileges
    case showsItsOwnProcessesOnly
    case protectsTheAgentAndTheInterpreters

    public static let ofAnyRuntime = Array(Self.allCases.prefix { $0 != .returnsWhatAHandlerReturns })

    /// What an implementation lends to the clauses.
    public struct Subject: Sendable {
        public var runtime: any SandboxRuntime
        /// A spec that can be started, with a directory of its own.
        public var makeSpec: @Sendable (String) throws -> SandboxSpec
        /// Ends a sandbox from outside, unannounced.
        public var kill: @Sendable (any Sandbox) async throws -> Void
        /// An order that runs until it is cancelled.
        public var endlessOrder: ExecutionOrder
        /// Suspends until that order really runs.
        public var awaitRunning: @Sendable (any Sandbox) async throws -> Void
        /// The user and group id that code has inside. Defaults to 1000; other where no user namespace maps it.
        public var insideUser: @Sendable (any Sandbox) -> UInt32

        public init(
            runtime: any SandboxRuntime,
            makeSpec: @escaping @Sendable (String) throws -> SandboxSpec,
            kill: @escaping @Sendable (any Sandbox) async throws -> Void,
            endlessOrder: ExecutionOrder,
            awaitRunning: @escaping @Sendable (any Sandbox) async throws -> Void,
            insideUser: @escaping @Sendable (any Sandbox) -> UInt32 = { _ in 1000 }
        ) {
            self.runtime = runtime
            self.makeSpec = makeSpec
            self.kill = kill
            self.endlessOrder = endlessOrder
            self.awaitRunning = awaitRunning
            self.insideUser = insideUser
        }
    }

    /// Checks the promise. The caller shuts the runtime down.
    public func verify(_ subject: Subject) async throws {
        switch self {
        case .runsAnOrder, .refusesAnUnknownImageNamingTheKnown, .refusesASecondSandboxOfTheSameID,
            .runsOneOrderAtATime, .cancelsAnOrder, .cancelsAnOrderWithItsTask, .ignoresACancelThatComesTooLate:
            try await self.verifyOrders(subject)
        case .tellsItsEndOnceStopped, .startsAgainAfterStopping, .losesARunningOrderWithTheSandbox,
            .interruptsWhoWaitsForTheEnd, .leavesNothingOfACancelledStart, .endsEverythingOnShutDown:
            try await self.verifyEnds(subject)
        case .returnsWhatAHandlerReturns, .givesEventAndEnvironment, .reportsExitCodesAndBothOutputs,
            .reportsAnException, .runsJavaScript, .cutsAndCountsOutput, .measuresWhatWasUsed:
            try await self.verifyReports(subject)
        case .killsEverythingAtTheTimeout, .leavesNoProcessOfAnOrder, .keepsFilesFromOneOrderToTheNext,
            .survivesAForkBomb, .limitsMemory, .limitsTheSizeOfAFile, .appliesOtherLimitsWhileItRuns:
            try await self.verifyBounds(subject)
        case .hasNoNetwork, .hidesTheHost, .allowsWritingInTwoPlacesOnly, .runsWithoutPrivileges,
            .showsItsOwnProcessesOnly, .protectsTheAgentAndTheInterpreters:
            try await self.verifyIsolation(subject)
        }
    }
}

extension SandboxRuntimeContract.Subject {
    /// One that runs.
    func start(
        _ id: String = "contract",
        _ change: (inout SandboxSpec) -> Void = { _ in }
    ) async throws -> any Sandbox {
        var spec = try self.makeSpec(id)
        change(&spec)
        return try await self.runtime.start(spec)
    }
}

extension Sandbox {
    /// Runs code under a name that is not used again.
    func run(
        _ language: CodeLanguage,
        _ code: String,
        timeout: Duration = .seconds(20),
        _ change: (inout ExecutionOrder) -> Void = { _ in }
    ) async throws -> ExecutionReport {
        let id = OrderID("order-\(UInt64.random(in: 0...UInt64.max))")
        var order = ExecutionOrder(id: id, language: language, code: Array(code.utf8), timeout: timeout)
        change(&order)
        return try await self.execute(order)
    }
}

extension ExecutionReport {
    var output: String { String(decoding: self.stdout.bytes, as: UTF8.self) }
    var errors: String { String(decoding: self.stderr.bytes, as: UTF8.self) }
    var value: String? { self.returnValue.map { String(decoding: $0, as: UTF8.self) } }
    /// For a failed expectation.
    var summary: String { "\(self.outcome), \(self.value ?? "no value"), out: \(self.output), err: \(self.errors)" }
}
