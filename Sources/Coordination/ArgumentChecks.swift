/// What callers may ask for, the same for every implementation.
package enum ArgumentChecks {
    /// Lua counts in doubles: beyond it sums would not be exact.
    package static let largestAmount = 1 << 52

    package static func check(name: String, _ what: StaticString) throws(CoordinationError) {
        if name.isEmpty { throw CoordinationError(.invalidArgument, "an empty \(what)") }
    }

    /// - Returns: Whole milliseconds, rounded up.
    @discardableResult
    package static func check(_ duration: Duration) throws(CoordinationError) -> Int64 {
        let (seconds, attoseconds) = duration.components
        let milliseconds = attoseconds / 1_000_000_000_000_000
        let isWhole = attoseconds % 1_000_000_000_000_000 == 0
        // The upper bound, some 300 years, keeps sums with a clock's reading in range.
        guard duration > .zero, seconds < 10_000_000_000 else {
            throw CoordinationError(.invalidArgument, "a time of \(duration)")
        }
        return seconds * 1000 + milliseconds + (isWhole ? 0 : 1)
    }

    package static func check(amount: Int) throws(CoordinationError) {
        guard (0...Self.largestAmount).contains(amount) else {
            throw CoordinationError(.invalidArgument, "an amount of \(amount)")
        }
    }

    package static func check(_ entries: [StatusEntry]) throws(CoordinationError) {
        for entry in entries {
            try self.check(name: entry.key, "key")
            if entry.version < 0 { throw CoordinationError(.invalidArgument, "version \(entry.version)") }
        }
    }

    package static func check(_ removals: [StatusRemoval]) throws(CoordinationError) {
        for removal in removals {
            try self.check(name: removal.key, "key")
            if let version = removal.version, version < 0 {
                throw CoordinationError(.invalidArgument, "version \(version)")
            }
        }
    }

    package static func check(_ holder: CapacityHolder) throws(CoordinationError) {
        try self.check(name: holder.node, "node")
        try self.check(name: holder.name, "holder")
    }

    package static func check(_ locks: [SessionLock]) throws(CoordinationError) {
        for lock in locks {
            try self.check(name: lock.name, "lock name")
            try self.check(name: lock.owner, "owner")
        }
    }
}
