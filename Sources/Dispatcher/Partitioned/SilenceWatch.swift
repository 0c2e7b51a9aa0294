internal import Messages

/// Decides when the silence of a node means something: not while the log is down, not after we were asleep ourselves.
struct SilenceWatch: Sendable, Equatable {
    enum Verdict: Sendable, Equatable {
        /// Nothing follows from silence now.
        case none
        /// We could not have heard anybody: silence counts from now on.
        case forgive
        /// Who was not heard of since the moment has said nothing since.
        case silentSince(Timestamp)
    }

    /// How long a node may be silent.
    let patience: Duration
    /// A round takes longer only if we, or the log, stood still.
    let longestRound: Duration
    private var lastRound: Timestamp?
    /// Since when the log has answered each time.
    private var answersSince: Timestamp?

    init(patience: Duration, longestRound: Duration) {
        self.patience = patience
        self.longestRound = longestRound
    }

    /// One round: the log was asked for its ends.
    ///
    /// - Parameters:
    ///   - hasAnswered: Whether it answered.
    ///   - isCaughtUp: Whether everything up to those ends has been consumed.
    mutating func round(at now: Timestamp, hasAnswered: Bool, isCaughtUp: Bool) -> Verdict {
        let last = self.lastRound
        self.lastRound = now
        let wasStill = last.map { now - $0 > self.longestRound || now < $0 } ?? true
        guard hasAnswered, !wasStill else {
            self.answersSince = hasAnswered ? now : nil
            return .forgive
        }
        let since = self.answersSince ?? now
        self.answersSince = since
        guard isCaughtUp, now - since >= self.patience else { return .none }
        return .silentSince(now + (.zero - self.patience))
    }
}
