import Glibc

/// A value behind a lock, with a condition that threads of our own wait on.
///
/// Never wait on it in an `async` function: that would hold a thread of the cooperative pool. ``Signal`` is for tasks.
public final class Monitor<Value>: @unchecked Sendable {
    // Sound: `value` is only touched between lock and unlock.
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var value: Value

    public init(_ value: Value) {
        self.value = value
        pthread_mutex_init(self.mutex, nil)
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        // Timed waits must not follow the wall clock when somebody sets it.
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(self.condition, &attributes)
        pthread_condattr_destroy(&attributes)
    }

    deinit {
        pthread_cond_destroy(self.condition)
        pthread_mutex_destroy(self.mutex)
        self.condition.deallocate()
        self.mutex.deallocate()
    }

    /// Runs `body` alone. Keep it short: no I/O, no logging, no resuming of a continuation inside.
    public func withLock<Result, Failure: Error>(
        _ body: (inout Value) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        pthread_mutex_lock(self.mutex)
        defer { pthread_mutex_unlock(self.mutex) }
        return try body(&self.value)
    }

    /// Wakes one waiting thread. Cheap when none waits.
    public func signal() { pthread_cond_signal(self.condition) }

    /// Wakes every waiting thread.
    public func broadcast() { pthread_cond_broadcast(self.condition) }

    /// Blocks the calling thread until `body`, tried at once and after each wake-up, returns a value.
    @discardableResult
    public func wait<Result>(_ body: (inout Value) -> Result?) -> Result {
        pthread_mutex_lock(self.mutex)
        defer { pthread_mutex_unlock(self.mutex) }
        while true {
            if let result = body(&self.value) { return result }
            pthread_cond_wait(self.condition, self.mutex)
        }
    }

    /// As ``wait(_:)``, but gives up after `timeout` and returns `nil`.
    @discardableResult
    public func wait<Result>(for timeout: Duration, _ body: (inout Value) -> Result?) -> Result? {
        var deadline = timespec()
        clock_gettime(CLOCK_MONOTONIC, &deadline)
        let (seconds, attoseconds) = timeout.components
        deadline.tv_nsec += Int(attoseconds / 1_000_000_000)
        deadline.tv_sec += Int(seconds) + deadline.tv_nsec / 1_000_000_000
        deadline.tv_nsec %= 1_000_000_000
        pthread_mutex_lock(self.mutex)
        defer { pthread_mutex_unlock(self.mutex) }
        while true {
            if let result = body(&self.value) { return result }
            if pthread_cond_timedwait(self.condition, self.mutex, &deadline) == ETIMEDOUT { return body(&self.value) }
        }
    }
}
