import CSystem
import Glibc

/// A thread of our own: for calls that block, which the cooperative pool must never run.
enum OwnThread {
    private final class Start {
        let name: String
        let body: @Sendable () -> Void

        init(name: String, body: @escaping @Sendable () -> Void) {
            self.name = name
            self.body = body
        }
    }

    /// Runs `body` on a new, detached thread; the first 15 bytes of `name` show in `ps`.
    ///
    /// - Throws: ``RuntimeError/Code/exhausted`` if the host has no room for a thread.
    static func start(name: String, _ body: @escaping @Sendable () -> Void) throws(RuntimeError) {
        let start = Unmanaged.passRetained(Start(name: name, body: body))
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        pthread_attr_setstacksize(&attributes, 512 << 10)
        defer { pthread_attr_destroy(&attributes) }
        var thread = pthread_t()
        let result = pthread_create(
            &thread,
            &attributes,
            { argument in
                guard let argument else { return nil }
                let start = Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
                _ = csr_thread_name(String(start.name.prefix(15)))
                start.body()
                return nil
            },
            start.toOpaque()
        )
        guard result == 0 else {
            start.release()
            throw RuntimeError(.exhausted, "no thread for \(name)", cause: SystemError(result, in: "pthread_create"))
        }
    }
}
