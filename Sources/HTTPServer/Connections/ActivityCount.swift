import ServiceKit
import Synchronization

/// Counts what is going on, and tells those who wait when nothing is.
///
/// Counting costs an atomic; the lock is taken only while someone waits.
final class ActivityCount: Sendable {
    private let count = Atomic(0)
    private let isWatched = Atomic(false)
    private let waiters = Locked<[CheckedContinuation<Void, Never>]>([])

    var current: Int { self.count.load(ordering: .relaxed) }

    func enter() { self.count.add(1, ordering: .sequentiallyConsistent) }

    func leave() {
        let left = self.count.subtract(1, ordering: .sequentiallyConsistent).newValue
        // The waiter sets the flag and then looks at the count: one of the two sees the other.
        if left == 0, self.isWatched.load(ordering: .sequentiallyConsistent) { self.wakeAll() }
    }

    /// Returns at the first moment when nothing goes on, at `deadline`, or when cancelled. Tells whether nothing did.
    func waitForNone(until deadline: ContinuousClock.Instant) async -> Bool {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.waitForNone() }
            group.addTask {
                // A cancelled sleep means that the other child won.
                try? await Task.sleep(until: deadline, clock: .continuous)
                self.wakeAll()
            }
            await group.next()
            group.cancelAll()
        }
        return self.count.load(ordering: .sequentiallyConsistent) == 0
    }

    private func waitForNone() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { waiter in
                self.waiters.withLock { $0.append(waiter) }
                self.isWatched.store(true, ordering: .sequentiallyConsistent)
                if self.count.load(ordering: .sequentiallyConsistent) == 0 || Task.isCancelled { self.wakeAll() }
            }
        } onCancel: {
            self.wakeAll()
        }
    }

    private func wakeAll() {
        let waiters = self.waiters.withLock { waiters in
            defer { waiters = [] }
            return waiters
        }
        for waiter in waiters { waiter.resume() }
    }
}
