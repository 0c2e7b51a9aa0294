import CMicrohttpd
import Glibc
import ServiceKit

/// The library's daemon, and the callbacks by which it tells about connections and requests.
///
/// Sound as `@unchecked Sendable`: the pointers are constant, and the library's calls on them are thread-safe.
final class Daemon: @unchecked Sendable {
    private let pointer: OpaquePointer
    private let sink: UnsafeMutablePointer<mhdx_log_sink>
    private let context: ServerContext

    init(context: ServerContext, listener: ListeningSocket) throws(HTTPServerError) {
        let settings = context.configuration
        var config = mhdx_config()
        // A number of its own, since the library closes it; after a failure too, but that is not promised.
        let descriptor = fcntl(listener.descriptor, F_DUPFD_CLOEXEC, 0)
        guard descriptor >= 0 else {
            throw HTTPServerError(.cannotListen, "no descriptor is left: \(String(cString: strerror(errno)))")
        }
        config.listen_descriptor = descriptor
        config.threads = UInt32(settings.threads)
        config.connection_limit = UInt32(settings.connectionLimit)
        // The sweeper is exact, and comes first; this is what bounds a connection should it fail.
        let longest = max(settings.keepAliveTimeout, settings.stallTimeout, settings.headerTimeout)
        config.idle_seconds = UInt32(longest.components.seconds) + 2
        config.connection_memory = settings.connectionMemory
        // Unretained: this object keeps the context until the library's threads have ended.
        config.context = Unmanaged.passUnretained(context).toOpaque()
        Self.setCallbacks(&config)
        let sink = UnsafeMutablePointer<mhdx_log_sink>.allocate(capacity: 1)
        guard let pointer = mhdx_start(&config, sink) else {
            sink.deallocate()
            throw HTTPServerError(.cannotListen, "the HTTP library did not start: \(String(cString: strerror(errno)))")
        }
        self.pointer = pointer
        self.sink = sink
        self.context = context
    }

    deinit { self.sink.deallocate() }

    /// Closes what is left. No connection may be parked. Once only.
    func stop() async {
        await withCheckedContinuation { (done: CheckedContinuation<Void, Never>) in
            // Joins the library's threads, which is not for the pool to wait for.
            let join: @Sendable () -> Void = {
                MHD_stop_daemon(self.pointer)
                done.resume()
            }
            do {
                try DedicatedThread.start(name: "http-stop", join)
            } catch {
                // No thread is to be had: then holding one of the pool is what is left.
                join()
            }
        }
    }

    private static func setCallbacks(_ config: inout mhdx_config) {
        // Who comes during a drain is closed at once. `MHD_quiesce_daemon`, which is there for that, takes the socket out
        // of a thread's epoll set while the thread may do the same; the second of them aborts the process.
        config.accept = { context, _, _ in
            guard let context else { return .NO }
            return Unmanaged<ServerContext>.fromOpaque(context).takeUnretainedValue().isDraining ? .NO : .YES
        }
        config.connection = { context, connection, slot, code in
            guard let context, let connection, let slot else { return }
            let server = Unmanaged<ServerContext>.fromOpaque(context).takeUnretainedValue()
            if code == .CONNECTION_NOTIFY_STARTED {
                let made = Connection(descriptor: mhdx_descriptor(connection), context: server)
                server.sweeper.add(made)
                slot.pointee = Unmanaged.passRetained(made).toOpaque()
            } else if let pointer = slot.pointee {
                let known = Unmanaged<Connection>.fromOpaque(pointer).takeRetainedValue()
                // The library leaves out the end of a request in some errors.
                known.finishRequest(isComplete: false)
                server.sweeper.remove(known)
                if known.lingers { server.linger(known) }
                slot.pointee = nil
            }
        }
        config.target = { _, target, connection in
            guard let target, let connection, let pointer = mhdx_context(connection) else { return nil }
            Unmanaged<Connection>.fromOpaque(pointer).takeUnretainedValue().beginTarget(target)
            // Unretained: the connection outlives its requests.
            return pointer
        }
        config.access = { _, connection, url, method, version, data, size, slot in
            guard let connection, let url, let method, let version, let size, let pointer = slot?.pointee else {
                return .NO
            }
            return Unmanaged<Connection>.fromOpaque(pointer).takeUnretainedValue()
                .access(connection, url, method, version, data, size)
        }
        config.completed = { _, _, slot, code in
            guard let slot, let pointer = slot.pointee else { return }
            slot.pointee = nil
            Unmanaged<Connection>.fromOpaque(pointer).takeUnretainedValue()
                .finishRequest(isComplete: code == .REQUEST_TERMINATED_COMPLETED_OK)
        }
        config.log = { context, line in
            guard let context, let line else { return }
            let server = Unmanaged<ServerContext>.fromOpaque(context).takeUnretainedValue()
            // Lines end with a line feed, and quote what clients sent.
            let text = String(String(cString: line).filter { !$0.isNewline })
            // Said whenever we close a connection on purpose, as for each client that left while it was waited for.
            if text.hasPrefix("Application reported internal error") { return }
            server.report(text)
        }
    }
}
