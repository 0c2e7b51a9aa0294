/// Which user ids are taken by sandboxes that live.
package struct UserSlots: Sendable {
    package let first: UInt32
    package let count: UInt32
    private var taken: Set<UInt32> = []
    /// Goes round, so that an id rests as long as possible before it is used again.
    private var cursor: UInt32

    /// - Parameter start: Where to begin, of `count`: another one in each process, so that two rarely meet.
    package init(first: UInt32, count: UInt32, start: UInt32) {
        self.first = first
        self.count = max(1, count)
        self.cursor = start % max(1, count)
    }

    /// Takes `preferred`, who owns the files already, or else the next free one; `nil` if all are taken.
    package mutating func take(preferred: UInt32?) -> UInt32? {
        if let preferred, self.contains(preferred), self.taken.insert(preferred).inserted { return preferred }
        guard self.taken.count < Int(self.count) else { return nil }
        while true {
            let user = self.first + self.cursor
            self.cursor = (self.cursor + 1) % self.count
            if self.taken.insert(user).inserted { return user }
        }
    }

    package mutating func giveBack(_ user: UInt32) { self.taken.remove(user) }

    package func contains(_ user: UInt32) -> Bool { user >= self.first && user - self.first < self.count }
}
