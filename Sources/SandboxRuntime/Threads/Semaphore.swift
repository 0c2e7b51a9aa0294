import Glibc

/// A counting semaphore; `wait()` blocks the thread.
final class Semaphore: @unchecked Sendable {
    // Sound: `sem_t` is made for use by any thread, and does not move.
    private let semaphore = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

    init() { sem_init(self.semaphore, 0, 0) }

    deinit {
        sem_destroy(self.semaphore)
        self.semaphore.deallocate()
    }

    func signal() { sem_post(self.semaphore) }

    func wait() {
        while sem_wait(self.semaphore) != 0 {
            // Only a signal handler interrupts it.
        }
    }
}
