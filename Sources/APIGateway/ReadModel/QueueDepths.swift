import Messages

/// Which executions have not ended, by session: what the limits of the queues count.
struct QueueDepths {
    private var open: [ExecutionID: SessionID] = [:]
    private var bySession: [SessionID: Int] = [:]

    var total: Int { self.open.count }

    func depth(of session: SessionID) -> Int { self.bySession[session] ?? 0 }

    /// - Returns: Whether it was not counted before.
    @discardableResult
    mutating func insert(_ execution: ExecutionID, of session: SessionID) -> Bool {
        guard self.open.updateValue(session, forKey: execution) == nil else { return false }
        self.bySession[session, default: 0] += 1
        return true
    }

    /// - Returns: Whether it was counted.
    @discardableResult
    mutating func remove(_ execution: ExecutionID) -> Bool {
        guard let session = self.open.removeValue(forKey: execution) else { return false }
        guard let depth = self.bySession[session] else { return true }
        self.bySession[session] = depth > 1 ? depth - 1 : nil
        return true
    }
}
