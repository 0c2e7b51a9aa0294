import Glibc

/// A thread of our own, for C calls that block: these never run on the cooperative pool.
public enum DedicatedThread {
    /// Runs `body` on a new thread, which ends when `body` returns. All signals are blocked on it.
    ///
    /// - Parameters:
    ///   - name: Shown by `top -H` and debuggers; the first 15 bytes count.
    ///   - stackSize: In bytes. Defaults to 512 KiB.
    /// - Throws: ``ThreadError`` when the system gives no thread.
    public static func start(
        name: String,
        stackSize: Int = 512 * 1024,
        _ body: @escaping @Sendable () -> Void
    ) throws(ThreadError) {
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        pthread_attr_setstacksize(&attributes, stackSize)
        let start = Unmanaged.passRetained(Start(name: name, body: body))
        var (all, previous) = (sigset_t(), sigset_t())
        sigfillset(&all)
        // The new thread inherits the mask: signals go to threads that expect them.
        pthread_sigmask(SIG_SETMASK, &all, &previous)
        defer { pthread_sigmask(SIG_SETMASK, &previous, nil) }
        var thread = pthread_t()
        let result = pthread_create(&thread, &attributes, DedicatedThread.main, start.toOpaque())
        if result != 0 {
            start.release()
            throw ThreadError(name: name, errno: result)
        }
    }

    private final class Start: Sendable {
        let name: String
        let body: @Sendable () -> Void

        init(name: String, body: @escaping @Sendable () -> Void) {
            self.name = name
            self.body = body
        }
    }

    private static let main: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { argument in
        guard let argument else { return nil }
        let start = Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
        DedicatedThread.setName(start.name)
        start.body()
        return nil
    }

    /// `pthread_setname_np` is not in the Glibc module; this file is what it writes to. A missing name harms nobody.
    private static func setName(_ name: String) {
        let descriptor = open("/proc/thread-self/comm", O_WRONLY)
        guard descriptor >= 0 else { return }
        let bytes = Array(name.utf8.prefix(15))
        _ = write(descriptor, bytes, bytes.count)
        close(descriptor)
    }
}

/// The system refused a thread.
public struct ThreadError: Error, Sendable, CustomStringConvertible {
    /// The thread that was wanted.
    public var name: String
    public var errno: Int32
    /// Whether the same call may succeed later: limits and memory change.
    public var isRetriable: Bool { self.errno == EAGAIN || self.errno == ENOMEM }

    public var description: String { "cannot start thread \(self.name): \(String(cString: strerror(self.errno)))" }
}
