import Messages
import StateStore

/// The newest record of each thing, in memory, bounded by bytes.
///
/// What the database does not hold yet is never dropped: it is on no list but that of what is to be written. What it holds
/// may be dropped, the longest unused first.
///
/// A value: whoever owns it locks it.
struct RecordCache {
    /// What memory knows of a key.
    enum Lookup {
        case record(StateRecord, stamp: UInt64, rendered: [UInt8]?)
        /// The thing is gone, and the database may not know it yet.
        case gone
        /// Memory says nothing; the database does.
        case unknown
    }

    private enum Persistence {
        /// Not to be written yet: it is not known whether it will come about. Can transition to: `queued` when that is
        /// confirmed or when it changes.
        case held
        /// The database has it. Can transition to: `queued` when it changes.
        case written
        /// To be written. Can transition to: `writing` when it goes into a batch.
        case queued
        /// In the batch on its way. Can transition to: `written` when that is committed, `queued` when it changes before.
        case writing
    }

    private struct Slot {
        var key: StateKey
        var record: StateRecord?
        /// Another one for each change, so that a rendering is not kept for a record it was not made of.
        var stamp: UInt64
        var rendered: [UInt8]?
        var cost: Int
        var persistence: Persistence
        /// Neighbours in the order of use; only slots that are `written` are in it.
        var newer = -1
        var older = -1
    }

    /// Bytes of memory that unpinned records may keep in use.
    let capacity: Int
    /// Estimated bytes in use, pinned or not.
    private(set) var cost = 0
    private var slots: [Slot] = []
    private var free: [Int] = []
    private var index: [StateKey: Int] = [:]
    private var newest = -1
    private var oldest = -1
    private var queue: [StateKey] = []
    private var nextStamp: UInt64 = 1

    init(capacity: Int) {
        self.capacity = capacity
    }

    var count: Int { self.index.count }
    /// Records that wait for the database.
    var queued: Int { self.queue.count }
    /// Goes up with each change: what was read from the database before may be outdated by it.
    var changes: UInt64 { self.nextStamp }

    mutating func lookup(_ key: StateKey) -> Lookup {
        guard let position = self.index[key] else { return .unknown }
        guard let record = self.slots[position].record else { return .gone }
        self.touch(position)
        return .record(record, stamp: self.slots[position].stamp, rendered: self.slots[position].rendered)
    }

    /// The rendering of a record, if there is one: the shortest way of a status request.
    mutating func rendering(_ key: StateKey) -> [UInt8]? {
        guard let position = self.index[key], let rendered = self.slots[position].rendered else { return nil }
        self.touch(position)
        return rendered
    }

    /// The record without counting as a use.
    func peek(_ key: StateKey) -> StateRecord? {
        self.index[key].flatMap { self.slots[$0].record }
    }

    /// Sets the newest record of a key, `nil` when the thing is gone, and queues it for the database.
    mutating func set(_ key: StateKey, to record: StateRecord?) {
        let cost = Self.cost(of: record)
        if let position = self.index[key] {
            if self.slots[position].persistence == .written { self.unlink(position) }
            if self.slots[position].persistence != .queued { self.queue.append(key) }
            self.cost += cost - self.slots[position].cost
            self.slots[position].record = record
            self.slots[position].stamp = self.takeStamp()
            self.slots[position].rendered = nil
            self.slots[position].cost = cost
            self.slots[position].persistence = .queued
        } else {
            self.insert(Slot(key: key, record: record, stamp: self.takeStamp(), cost: cost, persistence: .queued))
            self.queue.append(key)
        }
    }

    /// Sets a record that may still be withdrawn, and does not queue it.
    mutating func hold(_ key: StateKey, _ record: StateRecord) {
        guard self.index[key] == nil else { return }
        let cost = Self.cost(of: record)
        self.insert(Slot(key: key, record: record, stamp: self.takeStamp(), cost: cost, persistence: .held))
    }

    /// What was held has come about: it is queued, unless something newer has been already.
    ///
    /// - Returns: Whether it was queued.
    mutating func confirm(_ key: StateKey) -> Bool {
        guard let position = self.index[key], self.slots[position].persistence == .held else { return false }
        self.slots[position].persistence = .queued
        self.queue.append(key)
        return true
    }

    /// What was held has not come about: it is forgotten, unless something newer has been set.
    ///
    /// - Returns: Whether it was forgotten.
    mutating func withdraw(_ key: StateKey) -> Bool {
        guard let position = self.index[key], self.slots[position].persistence == .held else { return false }
        self.release(position)
        return true
    }

    /// Keeps a record that was read from the database.
    mutating func keep(_ key: StateKey, _ record: StateRecord, rendered: [UInt8]?) {
        guard self.index[key] == nil else { return }
        let cost = Self.cost(of: record) + (rendered?.count ?? 0)
        let slot = Slot(
            key: key,
            record: record,
            stamp: self.takeStamp(),
            rendered: rendered,
            cost: cost,
            persistence: .written
        )
        self.link(self.insert(slot))
        self.evict()
    }

    /// Keeps what a record was rendered to, if it is still that record.
    mutating func keepRendering(_ rendered: [UInt8], of key: StateKey, stamp: UInt64) {
        guard let position = self.index[key], self.slots[position].stamp == stamp,
            self.slots[position].rendered == nil
        else { return }
        self.slots[position].rendered = rendered
        self.slots[position].cost += rendered.count
        self.cost += rendered.count
        self.evict()
    }

    /// Everything queued, as one batch. ``didWrite(_:)`` or ``didFailToWrite(_:)`` must follow before the next.
    mutating func takeBatch() -> [ReadModelChange] {
        let keys = self.queue
        self.queue = []
        return keys.compactMap { key in
            guard let position = self.index[key] else { return nil }
            self.slots[position].persistence = .writing
            return ReadModelChange(key: key, record: self.slots[position].record)
        }
    }

    /// The batch is in the database: what has not changed since may be dropped.
    mutating func didWrite(_ batch: [ReadModelChange]) {
        for change in batch {
            guard let position = self.index[change.key], self.slots[position].persistence == .writing else { continue }
            if self.slots[position].record == nil {
                self.release(position)
            } else {
                self.slots[position].persistence = .written
                self.link(position)
            }
        }
        self.evict()
    }

    /// The batch is not in the database: all of it is queued again.
    mutating func didFailToWrite(_ batch: [ReadModelChange]) {
        for change in batch {
            guard let position = self.index[change.key], self.slots[position].persistence == .writing else { continue }
            self.slots[position].persistence = .queued
            self.queue.append(change.key)
        }
    }

    /// A rough count of the bytes that a record keeps in use.
    private static func cost(of record: StateRecord?) -> Int {
        switch record {
        case .execution(let execution):
            let outcome = execution.outcome
            return 700 + execution.spec.code.utf8.count + execution.spec.event.count
                + Self.cost(of: execution.spec.environment)
                + (outcome?.stdout.count ?? 0) + (outcome?.stderr.count ?? 0) + (outcome?.returnValue?.count ?? 0)
        case .session(let session):
            return 900 + session.spec.event.count + Self.cost(of: session.spec.environment)
                + Self.cost(of: session.spec.templateEnvironment) + 100 * session.spec.dependencies.dependencies.count
        case .template(let template): return 600 + Self.cost(of: template.environment)
        case .node(let node): return 500 + 80 * node.heartbeat.images.count
        case .decision, .claim, .checkpoint, nil: return 200
        }
    }

    private static func cost(of environment: [String: String]) -> Int {
        environment.reduce(0) { $0 + 64 + $1.key.utf8.count + $1.value.utf8.count }
    }

    private mutating func takeStamp() -> UInt64 {
        defer { self.nextStamp += 1 }
        return self.nextStamp
    }

    // MARK: Slots and their order of use

    @discardableResult
    private mutating func insert(_ slot: Slot) -> Int {
        self.cost += slot.cost
        let position: Int
        if let reused = self.free.popLast() {
            position = reused
            self.slots[position] = slot
        } else {
            position = self.slots.count
            self.slots.append(slot)
        }
        self.index[slot.key] = position
        return position
    }

    private mutating func release(_ position: Int) {
        self.cost -= self.slots[position].cost
        self.index[self.slots[position].key] = nil
        self.slots[position].record = nil
        self.slots[position].rendered = nil
        self.free.append(position)
    }

    private mutating func evict() {
        while self.cost > self.capacity, self.oldest >= 0 {
            let position = self.oldest
            self.unlink(position)
            self.release(position)
        }
    }

    private mutating func touch(_ position: Int) {
        guard self.newest != position, self.slots[position].persistence == .written else { return }
        self.unlink(position)
        self.link(position)
    }

    private mutating func link(_ position: Int) {
        self.slots[position].newer = -1
        self.slots[position].older = self.newest
        if self.newest >= 0 { self.slots[self.newest].newer = position } else { self.oldest = position }
        self.newest = position
    }

    private mutating func unlink(_ position: Int) {
        let (newer, older) = (self.slots[position].newer, self.slots[position].older)
        if newer >= 0 { self.slots[newer].older = older } else { self.newest = older }
        if older >= 0 { self.slots[older].newer = newer } else { self.oldest = newer }
    }
}
