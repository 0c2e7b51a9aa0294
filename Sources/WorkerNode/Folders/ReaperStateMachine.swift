/// Decides which folders are removed though nobody asked for it.
///
/// A folder that no session, pool or removal knows may belong to a session that is about to come back: it goes only when
/// it has been unknown for the whole grace, counted in this boot, and a dispatcher has been heard in this boot.
struct ReaperStateMachine: Sendable {
    typealias Instant = ContinuousClock.Instant

    let grace: Duration
    private var unknownSince: [String: Instant] = [:]

    init(grace: Duration) {
        self.grace = grace
    }

    /// Returns the folders to remove.
    ///
    /// - Parameters:
    ///   - isFirst: At boot: what bears the pool's mark is of a former boot, and was never a session's.
    ///   - isKnown: Whether something that lives has the folder, or its removal is under way.
    mutating func inspect(
        _ listing: SandboxFolders.Listing,
        isFirst: Bool,
        isDispatcherHeard: Bool,
        now: Instant,
        isKnown: (String) -> Bool
    ) -> [String] {
        let unknown = (listing.claimed + listing.pooled).filter { !isKnown($0) }
        let doomed = isFirst ? Set(listing.pooled.filter { !isKnown($0) }) : []
        // Who was known for a moment starts anew.
        self.unknownSince = self.unknownSince.filter { unknown.contains($0.key) }
        for name in unknown where self.unknownSince[name] == nil { self.unknownSince[name] = now }
        let expired = unknown.filter { name in
            guard isDispatcherHeard, !doomed.contains(name), let since = self.unknownSince[name] else { return false }
            return now - since >= self.grace
        }
        let removing = listing.removing.filter { name in
            !isKnown(String(name.dropFirst(SandboxFolders.removalPrefix.count)))
        }
        return removing + doomed.sorted() + expired
    }
}
