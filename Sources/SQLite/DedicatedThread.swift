import Glibc

/// A thread for work that blocks, which must not happen on the cooperative pool.
enum DedicatedThread {
    private final class Start {
        let name: String
        let body: @Sendable () -> Void

        init(name: String, body: @escaping @Sendable () -> Void) {
            self.name = name
            self.body = body
        }
    }

    /// Runs `body` on a new thread that ends with it.
    ///
    /// - Parameter name: At most 15 bytes, as the kernel has it.
    /// - Throws: ``SQLiteError`` if the system allows no further thread.
    static func start(name: String, _ body: @escaping @Sendable () -> Void) throws(SQLiteError) {
        let start = Unmanaged.passRetained(Start(name: name, body: body))
        var thread = pthread_t()
        let result = pthread_create(
            &thread,
            nil,
            { argument in
                guard let argument else { return nil }
                let start = Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
                nameThread(start.name)
                start.body()
                return nil
            },
            start.toOpaque()
        )
        guard result == 0 else {
            start.release()
            throw SQLiteError(.other, "cannot start thread \(name): \(String(cString: strerror(result)))")
        }
        pthread_detach(thread)
    }
}

/// Shows in `top -H` and debuggers. `pthread_setname_np` is not imported.
private func nameThread(_ name: String) {
    let descriptor = open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    // A thread without a name works as well.
    _ = name.withCString { write(descriptor, $0, strlen($0)) }
    close(descriptor)
}
