import Synchronization

/// Counts events. Adding costs one atomic instruction.
public final class Counter: Sendable {
    private let count = Atomic<UInt64>(0)

    init() {}

    /// Events since the start.
    public var value: UInt64 { self.count.load(ordering: .relaxed) }

    @inline(__always)
    public func increment(by amount: UInt64 = 1) { self.count.wrappingAdd(amount, ordering: .relaxed) }
}

/// A value that goes up and down.
public final class Gauge: Sendable {
    private let bits = Atomic<UInt64>(0)

    init() {}

    public var value: Double { Double(bitPattern: self.bits.load(ordering: .relaxed)) }

    public func set(_ value: Double) { self.bits.store(value.bitPattern, ordering: .relaxed) }

    public func add(_ amount: Double) { self.bits.addDouble(amount) }
}

/// How observations are spread over buckets; times in seconds. Observing costs two atomic instructions and a short search.
public final class Histogram: @unchecked Sendable {
    /// From 0.1 ms to 60 s, for requests and executions.
    public static let latency: [Double] = [
        0.0001, 0.00025, 0.0005, 0.001, 0.0015, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
    ]

    // Sound: the memory is fixed from `init` to `deinit`, and holds nothing but atomics.
    private let counts: UnsafeMutablePointer<Atomic<UInt64>>
    private let sum = Atomic<UInt64>(0)
    let bounds: [Double]

    init(bounds: [Double]) {
        precondition(bounds == Array(Set(bounds)).sorted(), "bucket bounds ascend")
        self.bounds = bounds
        self.counts = .allocate(capacity: bounds.count + 1)
        for index in 0...bounds.count { (self.counts + index).initialize(to: Atomic(0)) }
    }

    deinit {
        self.counts.deinitialize(count: self.bounds.count + 1)
        self.counts.deallocate()
    }

    public func observe(_ value: Double) {
        // Buckets are few and low ones the usual: a linear search is the fastest.
        var index = 0
        while index < self.bounds.count, value > self.bounds[index] { index += 1 }
        self.counts[index].wrappingAdd(1, ordering: .relaxed)
        self.sum.addDouble(value)
    }

    public func observe(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        self.observe(Double(seconds) + Double(attoseconds) * 1e-18)
    }

    /// Observations per bucket, not cumulated; the last is what is above every bound. And their sum.
    var snapshot: (counts: [UInt64], sum: Double) {
        let counts = (0...self.bounds.count).map { self.counts[$0].load(ordering: .relaxed) }
        return (counts, Double(bitPattern: self.sum.load(ordering: .relaxed)))
    }

    /// Observations so far.
    public var count: UInt64 { self.snapshot.counts.reduce(0, +) }
}

extension Atomic<UInt64> {
    /// Adds to the bits of a `Double`.
    func addDouble(_ amount: Double) {
        var old = self.load(ordering: .relaxed)
        while true {
            let new = (Double(bitPattern: old) + amount).bitPattern
            let (isDone, current) = self.weakCompareExchange(expected: old, desired: new, ordering: .relaxed)
            if isDone { return }
            old = current
        }
    }
}
