/// What ready sandboxes have in common: everything that isolates and cannot be changed once they run.
struct PoolShape: Hashable, Sendable {
    var image: String
    var runtimeType: String
}

/// Decides how many sandboxes wait ready, and who gets one.
///
/// What starts and what waits together never exceeds the target of a shape. A shape whose start fails is left alone for a
/// while that doubles, up to a minute. What was claimed is replaced a moment later, unless it was the last: a start takes
/// as much of the processors as a hundred steps of the session that has just got its sandbox.
struct WarmPoolStateMachine<Handle: Sendable>: Sendable {
    typealias Instant = ContinuousClock.Instant

    struct Entry: Sendable {
        var id: String
        var handle: Handle
    }

    private struct Shelf: Sendable {
        let target: Int
        var ready: [Entry] = []
        var starting = 0
        var failures = 0
        /// No start before this.
        var restUntil: Instant?
        /// No start before this as long as others wait ready.
        var courtesyUntil: Instant?
    }

    enum StartedAction: Sendable, Equatable {
        /// It waits for a session now.
        case keep
        /// Stop it and remove its folder: the pool is closed.
        case discard
    }

    static var firstRest: Duration { .milliseconds(500) }
    static var longestRest: Duration { .seconds(60) }
    static var courtesy: Duration { .milliseconds(50) }

    private var shelves: [PoolShape: Shelf]
    private(set) var isClosed = false

    init(targets: [PoolShape: Int]) {
        self.shelves = targets.mapValues { Shelf(target: $0) }
    }

    /// Sandboxes that wait, by shape.
    var readyCounts: [PoolShape: Int] { self.shelves.mapValues { $0.ready.count } }

    /// Takes the sandbox that waited longest; `nil` is a miss.
    mutating func claim(_ shape: PoolShape, now: Instant) -> Entry? {
        guard let shelf = self.shelves[shape], !shelf.ready.isEmpty else { return nil }
        // Not put off again and again: the first claim counts.
        if shelf.courtesyUntil == nil { self.shelves[shape]?.courtesyUntil = now + Self.courtesy }
        return self.shelves[shape]?.ready.removeFirst()
    }

    /// The sandboxes to start now; they count as starting from here on.
    mutating func starts(now: Instant) -> [PoolShape] {
        guard !self.isClosed else { return [] }
        var wanted: [PoolShape] = []
        for (shape, shelf) in self.shelves {
            if let rest = shelf.restUntil {
                if now < rest { continue }
                self.shelves[shape]?.restUntil = nil
            }
            if let courtesy = shelf.courtesyUntil {
                if now < courtesy, !shelf.ready.isEmpty { continue }
                self.shelves[shape]?.courtesyUntil = nil
            }
            // After a failure one is tried before the others.
            let room = shelf.target - shelf.ready.count - shelf.starting
            let count = shelf.failures > 0 ? min(room, shelf.starting > 0 ? 0 : 1) : room
            guard count > 0 else { continue }
            self.shelves[shape]?.starting += count
            wanted.append(contentsOf: repeatElement(shape, count: count))
        }
        return wanted
    }

    /// When ``starts(now:)`` may want more though nothing else happens; `nil` if then it will not.
    var nextStart: Instant? {
        self.isClosed ? nil : self.shelves.values.flatMap { [$0.restUntil, $0.courtesyUntil] }.compactMap { $0 }.min()
    }

    mutating func started(_ shape: PoolShape, id: String, handle: Handle) -> StartedAction {
        self.shelves[shape]?.starting -= 1
        self.shelves[shape]?.failures = 0
        self.shelves[shape]?.restUntil = nil
        guard !self.isClosed else { return .discard }
        self.shelves[shape]?.ready.append(Entry(id: id, handle: handle))
        return .keep
    }

    mutating func startFailed(_ shape: PoolShape, now: Instant) {
        guard var shelf = self.shelves[shape] else { return }
        shelf.starting -= 1
        shelf.failures += 1
        let rest = min(Self.longestRest, Self.firstRest * (1 << min(shelf.failures - 1, 10)))
        shelf.restUntil = now + rest
        self.shelves[shape] = shelf
    }

    /// A sandbox is dead. Returns whether it waited here: then its folder is the pool's to remove.
    ///
    /// One that died unused counts as a failed start, lest sandboxes that die at once are started in a circle.
    mutating func died(_ shape: PoolShape, id: String, now: Instant) -> Bool {
        guard let index = self.shelves[shape]?.ready.firstIndex(where: { $0.id == id }) else { return false }
        self.shelves[shape]?.ready.remove(at: index)
        self.shelves[shape]?.starting += 1
        self.startFailed(shape, now: now)
        return true
    }

    /// Takes and starts nothing more. Returns what waited, to be stopped.
    mutating func close() -> [Entry] {
        self.isClosed = true
        let entries = self.shelves.values.flatMap(\.ready)
        for shape in self.shelves.keys { self.shelves[shape]?.ready = [] }
        return entries
    }
}
