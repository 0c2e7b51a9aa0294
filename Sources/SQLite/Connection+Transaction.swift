import CSQLite

extension Connection {
    /// Runs `body` in a transaction of its own, all of it or nothing.
    ///
    /// Takes the write lock at once: a transaction that reads first and writes later could fail in the middle.
    /// - Throws: What `body` throws, or ``SQLiteError``; then nothing has changed.
    public func transaction<T>(_ body: () throws -> T) throws -> T {
        try self.run("BEGIN IMMEDIATE")
        do {
            let value = try body()
            try self.commit()
            return value
        } catch {
            self.rollback()
            throw error
        }
    }

    /// Runs `body` as a part of the open transaction that can be undone without the rest.
    ///
    /// - Throws: What `body` throws, or ``SQLiteError``; then what `body` changed is undone.
    public func savepoint<T>(_ body: () throws -> T) throws -> T {
        try self.execute("SAVEPOINT part")
        let mark = self.hooks.mark
        do {
            let value = try body()
            try self.execute("RELEASE part")
            return value
        } catch {
            // Where SQLite has ended the whole transaction there is no savepoint left, and `rollback` runs all hooks.
            guard self.isInTransaction else { throw error }
            do {
                try self.execute("ROLLBACK TO part")
                try self.execute("RELEASE part")
            } catch {
                // What cannot be undone in part is undone whole: whoever runs the transaction sees that it has ended.
                self.rollback()
                throw error
            }
            self.undoHooks(to: mark)
            throw error
        }
    }

    /// Calls `body` as the last thing before the transaction is committed; what it throws fails the transaction.
    ///
    /// Like the other hooks it belongs to the innermost savepoint: if that is undone, it is forgotten.
    public func beforeCommit(_ body: @escaping () throws -> Void) {
        precondition(self.isInTransaction, "hooks need a transaction")
        self.hooks.beforeCommit.append(body)
    }

    /// Calls `body` right after the commit, on this thread.
    public func afterCommit(_ body: @escaping () -> Void) {
        precondition(self.isInTransaction, "hooks need a transaction")
        self.hooks.afterCommit.append(body)
    }

    /// Calls `body` once the innermost savepoint, or the transaction, has been undone: the latest first.
    ///
    /// For state in memory that was changed along with the database.
    public func afterRollback(_ body: @escaping () -> Void) {
        precondition(self.isInTransaction, "hooks need a transaction")
        self.hooks.afterRollback.append(body)
    }

    func commit() throws {
        // By index: a hook may add one.
        var index = 0
        while index < self.hooks.beforeCommit.count {
            try self.hooks.beforeCommit[index]()
            index += 1
        }
        try self.execute("COMMIT")
        let hooks = self.hooks.afterCommit
        self.hooks = TransactionHooks()
        for hook in hooks { hook() }
    }

    func rollback() {
        // Fails only if nothing is open any more, which is what is wanted.
        if self.isInTransaction { try? self.execute("ROLLBACK") }
        self.undoHooks(to: TransactionHooks.Mark())
    }

    private func undoHooks(to mark: TransactionHooks.Mark) {
        for hook in self.hooks.removeAll(after: mark).reversed() { hook() }
    }
}

/// What is to happen at the end of a transaction, each part undone along with the savepoint it was added in.
struct TransactionHooks {
    struct Mark {
        var beforeCommit = 0
        var afterCommit = 0
        var afterRollback = 0
    }

    var beforeCommit: [() throws -> Void] = []
    var afterCommit: [() -> Void] = []
    var afterRollback: [() -> Void] = []

    var mark: Mark {
        Mark(
            beforeCommit: self.beforeCommit.count,
            afterCommit: self.afterCommit.count,
            afterRollback: self.afterRollback.count
        )
    }

    /// Forgets what was added after `mark`, and returns the rollback hooks among it.
    mutating func removeAll(after mark: Mark) -> [() -> Void] {
        let undone = Array(self.afterRollback[mark.afterRollback...])
        self.beforeCommit.removeSubrange(mark.beforeCommit...)
        self.afterCommit.removeSubrange(mark.afterCommit...)
        self.afterRollback.removeSubrange(mark.afterRollback...)
        return undone
    }
}
