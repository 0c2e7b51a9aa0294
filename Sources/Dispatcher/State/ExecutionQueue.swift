internal import Messages

/// The executions of one session that wait, in order of acceptance.
struct ExecutionQueue: Sendable, Equatable {
    private var items: [ExecutionID] = []
    /// Items before it are taken; they are dropped in bulk, so that taking one costs the same however long the queue is.
    private var head = 0

    var count: Int { self.items.count - self.head }

    var all: ArraySlice<ExecutionID> { self.items[self.head...] }

    mutating func append(_ id: ExecutionID) {
        self.items.append(id)
    }

    /// Puts back what was taken and did not run.
    mutating func putBack(_ id: ExecutionID) {
        if self.head > 0 {
            self.head -= 1
            self.items[self.head] = id
        } else {
            self.items.insert(id, at: 0)
        }
    }

    mutating func take() -> ExecutionID? {
        guard self.head < self.items.count else { return nil }
        defer {
            self.head += 1
            if self.head > 64, self.head * 2 > self.items.count {
                self.items.removeFirst(self.head)
                self.head = 0
            }
        }
        return self.items[self.head]
    }

    mutating func takeAll() -> [ExecutionID] {
        defer { self = ExecutionQueue() }
        return Array(self.items[self.head...])
    }

    static func == (left: ExecutionQueue, right: ExecutionQueue) -> Bool {
        left.items[left.head...] == right.items[right.head...]
    }
}
