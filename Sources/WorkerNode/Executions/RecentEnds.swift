/// The attempts whose end was published last: a question about one of them was answered before it was asked.
struct RecentEnds: Sendable {
    private let capacity: Int
    private var known: Set<AttemptKey> = []
    private var order: [AttemptKey] = []
    private var oldest = 0

    /// - Parameter capacity: How many are remembered, at least 1. Defaults to 8192.
    init(capacity: Int = 8192) {
        self.capacity = capacity
    }

    func contains(_ key: AttemptKey) -> Bool { self.known.contains(key) }

    mutating func insert(_ key: AttemptKey) {
        guard self.known.insert(key).inserted else { return }
        guard self.order.count == self.capacity else {
            self.order.append(key)
            return
        }
        self.known.remove(self.order[self.oldest])
        self.order[self.oldest] = key
        self.oldest = (self.oldest + 1) % self.capacity
    }
}
