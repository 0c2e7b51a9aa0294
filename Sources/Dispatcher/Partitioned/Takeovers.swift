internal import ServiceKit

/// The partitions that are being taken over, and those of them that are gone again before that is done.
final class Takeovers: Sendable {
    private struct Takeover {
        var isAbandoned = false
        let done: Signal
    }

    private let running = Locked<[Int: Takeover]>([:])

    /// Begins; ``end(_:)`` must follow.
    func begin(_ partitions: [Int]) {
        let done = Signal()
        self.running.withLock { running in
            for partition in partitions { running[partition] = Takeover(done: done) }
        }
    }

    /// Those that are still wanted.
    func wanted(_ partitions: [Int]) -> [Int] {
        self.running.withLock { running in partitions.filter { running[$0]?.isAbandoned == false } }
    }

    func end(_ partitions: [Int]) {
        let ended = self.running.withLock { running in
            partitions.compactMap { running.removeValue(forKey: $0)?.done }
        }
        for done in ended { done.fire() }
    }

    /// Has takeovers of these partitions stop early, and returns once they have.
    ///
    /// - Throws: `CancellationError`.
    func abandon(_ partitions: [Int]) async throws {
        let ending = self.running.withLock { running in
            partitions.compactMap { partition -> Signal? in
                running[partition]?.isAbandoned = true
                return running[partition]?.done
            }
        }
        for done in ending { try await done.wait() }
    }
}
