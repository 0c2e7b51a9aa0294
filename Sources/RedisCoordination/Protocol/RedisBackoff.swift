/// Decides how long to wait before the next attempt to connect.
struct RedisBackoff: Sendable {
    static let longest: Duration = .seconds(1)

    private var failures = 0

    /// - Parameter random: From 0 to 1, so that not everybody comes back at the same moment.
    /// - Returns: Nothing after the first failure, then up to 50 ms, doubled each time up to 1 s, and at least half.
    mutating func failed(random: Double) -> Duration {
        self.failures += 1
        guard self.failures > 1 else { return .zero }
        let most = min(Self.longest, .milliseconds(50) * (1 << min(self.failures - 2, 10)))
        return most * (0.5 + random / 2)
    }

    mutating func connected() { self.failures = 0 }
}
