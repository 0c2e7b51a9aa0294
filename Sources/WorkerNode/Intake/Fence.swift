import Messages

/// Which dispatchers' words still count: a partition's later owner makes its earlier ones void.
struct Fence: Sendable {
    private var epochs: [Int: Int64] = [:]

    /// Whether a command of this origin is to be carried out.
    mutating func admits(_ origin: Origin?) -> Bool {
        guard let origin else { return true }
        guard origin.epoch >= self.epochs[origin.partition] ?? 0 else { return false }
        self.epochs[origin.partition] = origin.epoch
        return true
    }
}
