import Glibc

/// A value behind a lock.
///
/// Over `pthread_mutex_t`: the thread sanitizer knows it, and reports false races for a contended `Synchronization.Mutex`.
public final class Locked<Value>: @unchecked Sendable {
    // Sound: `value` is only touched between lock and unlock.
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private var value: Value

    public init(_ value: Value) {
        self.value = value
        pthread_mutex_init(self.mutex, nil)
    }

    deinit {
        pthread_mutex_destroy(self.mutex)
        self.mutex.deallocate()
    }

    /// Runs `body` alone. Keep it short: no I/O, no logging, no resuming of a continuation inside.
    @inline(__always)
    public func withLock<Result, Failure: Error>(
        _ body: (inout Value) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        pthread_mutex_lock(self.mutex)
        defer { pthread_mutex_unlock(self.mutex) }
        return try body(&self.value)
    }
}
