public import Coordination
import Testing

/// The promises of `Coordination`, one case each, so that each implementation reports each promise separately.
public enum CoordinationContract: String, CaseIterable, Sendable {
    case givesALockToOneOwner
    case givesTheSameEpochToItsOwner
    case takesALockOverWithAHigherEpoch
    case givesAnExpiredLockToAnother
    case raisesTheEpochAfterARelease
    case raisesTheEpochAfterAFlush
    case renewsWhatIsHeld
    case tellsWhoTookALock
    case doesNotRenewWhatWasReleased
    case establishesAnExpiredLockAgain
    case establishesAForgottenLockAgain
    case letsTheHigherEpochWinAfterAFlush
    case releasesOnlyItsOwn
    case givesALockToOneOfManyAtOnce
    case keepsTheNewestStatus
    case readsStatusesInOrder
    case comparesLargeVersionsExactly
    case forgetsAStatusAfterItsLifetime
    case keepsARemovedStatusOut
    case ignoresAnOldRemoval
    case removesAStatusUpToAVersion
    case reservesUpToTheCapacity
    case reservesOncePerHolder
    case releasesOncePerHolder
    case knowsNoNodeBeforeItsCapacity
    case forgetsANodeAfterItsLifetime
    case forgetsNodesWithAFlush
    case startsAForgottenNodeFromItsHoldings
    case takesNothingWhenTheCapacityIsLowered
    case neverReservesTooMuchAtOnce
    case givesAKeyToTheFirstClaim
    case forgetsAKeyAfterItsLifetime
    case withdrawsOnlyItsOwnClaim
    case answersManyInOrder
    case refusesSenselessArguments
    case refusesCallsAfterClosing

    /// Checks the promise.
    ///
    /// - Parameters:
    ///   - coordination: One that nobody else uses, empty; the caller closes it.
    ///   - flush: Makes it forget everything.
    public func verify(_ coordination: any Coordination, flush: () async throws -> Void) async throws {
        try await coordination.ping()
        switch self {
        case .givesALockToOneOwner, .givesTheSameEpochToItsOwner, .takesALockOverWithAHigherEpoch,
            .givesAnExpiredLockToAnother, .raisesTheEpochAfterARelease, .raisesTheEpochAfterAFlush,
            .givesALockToOneOfManyAtOnce:
            try await self.verifyAcquiring(coordination.locks, flush: flush)
        case .renewsWhatIsHeld, .tellsWhoTookALock, .doesNotRenewWhatWasReleased, .establishesAnExpiredLockAgain,
            .establishesAForgottenLockAgain, .letsTheHigherEpochWinAfterAFlush, .releasesOnlyItsOwn:
            try await self.verifyRenewing(coordination.locks, flush: flush)
        case .keepsTheNewestStatus, .readsStatusesInOrder, .comparesLargeVersionsExactly,
            .forgetsAStatusAfterItsLifetime, .keepsARemovedStatusOut, .ignoresAnOldRemoval,
            .removesAStatusUpToAVersion:
            try await self.verifyStatuses(coordination.statuses)
        case .reservesUpToTheCapacity, .reservesOncePerHolder, .releasesOncePerHolder, .knowsNoNodeBeforeItsCapacity,
            .forgetsANodeAfterItsLifetime, .forgetsNodesWithAFlush, .startsAForgottenNodeFromItsHoldings,
            .takesNothingWhenTheCapacityIsLowered, .neverReservesTooMuchAtOnce:
            try await self.verifyCapacity(coordination.capacity, flush: flush)
        case .givesAKeyToTheFirstClaim, .forgetsAKeyAfterItsLifetime, .withdrawsOnlyItsOwnClaim:
            try await self.verifyIdempotency(coordination.idempotency)
        case .answersManyInOrder, .refusesSenselessArguments, .refusesCallsAfterClosing:
            try await self.verifyUse(coordination)
        }
    }
}

// MARK: What the clauses are written in

/// Longer than any test.
let long: Duration = .seconds(600)
/// So short that it ends while a test waits for it.
let short: Duration = .milliseconds(30)

/// Asks again until the answer is yes. For the end of a lease, which nobody reports.
func until(_ ask: () async throws -> Bool) async throws {
    while try await !ask() { try await Task.sleep(for: .milliseconds(2)) }
}
