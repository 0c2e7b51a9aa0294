/// How fast executions end, as far as the last half minute tells.
struct DrainRate: Sendable {
    typealias Instant = ContinuousClock.Instant

    private static let window: Duration = .seconds(30)
    private var windowStart: Instant
    private var current = 0
    private var previous = 0

    init(now: Instant) {
        self.windowStart = now
    }

    mutating func ended(_ count: Int = 1, now: Instant) {
        self.turn(now)
        self.current += count
    }

    /// Ends per second: this window's, and of the one before what still lies within 30 s.
    mutating func perSecond(now: Instant) -> Double {
        self.turn(now)
        let elapsed = (now - self.windowStart) / .seconds(1)
        let width = Self.window / .seconds(1)
        // The first seconds of a process would make a rate of nothing.
        guard self.previous > 0 || elapsed >= 1 else { return Double(self.current) }
        if self.previous == 0 { return Double(self.current) / elapsed }
        return (Double(self.current) + Double(self.previous) * (width - elapsed) / width) / width
    }

    /// Seconds until `excess` places are free, from 1 to 300; 30 while nothing ends.
    mutating func secondsUntil(excess: Int, now: Instant) -> Int {
        let rate = self.perSecond(now: now)
        guard rate > 0 else { return 30 }
        return Int(min(300, max(1, (Double(max(1, excess)) / rate).rounded(.up))))
    }

    private mutating func turn(_ now: Instant) {
        let elapsed = now - self.windowStart
        guard elapsed >= Self.window else { return }
        self.previous = elapsed < Self.window * 2 ? self.current : 0
        self.current = 0
        self.windowStart = elapsed < Self.window * 2 ? self.windowStart + Self.window : now
    }
}
