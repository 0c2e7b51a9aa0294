import ServiceKit

/// Adds up what several partitions found.
final class FindingSums: Sendable {
    private let sums = Locked([String: Int]())

    var value: [String: Int] { self.sums.withLock { $0 } }

    func add(_ findings: [String: Int]) { self.sums.withLock { $0.merge(findings, uniquingKeysWith: +) } }
}
