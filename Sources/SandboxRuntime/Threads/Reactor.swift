import CSystem
import Glibc
import ServiceKit

/// Watches all descriptors of all sandboxes on one thread of its own, asleep while nothing happens.
///
/// Handlers run on that thread: they take what is there and never block.
package final class Reactor: Sendable {
    /// What may be done to a descriptor now.
    package struct Readiness: OptionSet, Sendable {
        package let rawValue: UInt32

        package init(rawValue: UInt32) { self.rawValue = rawValue }

        package static let readable = Readiness(rawValue: UInt32(CSR_EPOLL_IN))
        package static let writable = Readiness(rawValue: UInt32(CSR_EPOLL_OUT))
        /// The other side is gone. Always reported.
        package static let hangup = Readiness(rawValue: UInt32(CSR_EPOLL_HANGUP | CSR_EPOLL_ERROR))
    }

    package typealias Handler = @Sendable (Readiness) -> Void

    /// One watched descriptor, which it keeps open.
    package struct Registration: Sendable {
        fileprivate let token: UInt64
        package let descriptor: FileDescriptor
    }

    private struct State {
        var handlers: [UInt64: Handler] = [:]
        var nextToken: UInt64 = 1
        var isClosed = false
    }

    private let epoll: FileDescriptor
    private let wakeUp: FileDescriptor
    private let state = Locked(State())

    /// - Throws: ``RuntimeError/Code/exhausted``.
    package init() throws(RuntimeError) {
        func make(_ number: Int32, _ call: String) throws(RuntimeError) -> FileDescriptor {
            guard number >= 0 else {
                throw RuntimeError(.exhausted, "no descriptor for the reactor", cause: SystemError.last(in: call))
            }
            return FileDescriptor(number)
        }
        self.epoll = try make(csr_epoll_create(), "epoll_create1")
        self.wakeUp = try make(csr_eventfd(), "eventfd")
        guard csr_epoll_add(self.epoll.number, self.wakeUp.number, Readiness.readable.rawValue, 0) == 0 else {
            throw RuntimeError(.exhausted, "no watch for the reactor", cause: SystemError.last(in: "epoll_ctl"))
        }
        do throws(ThreadError) {
            try DedicatedThread.start(name: "sandbox-reactor") { [self] in self.run() }
        } catch {
            throw RuntimeError(.exhausted, "no thread for the reactor", cause: error)
        }
    }

    /// Calls `handler` whenever one of `events` holds, until it is told to ``stop(_:)``.
    package func watch(
        _ descriptor: FileDescriptor,
        for events: Readiness,
        _ handler: @escaping Handler
    ) throws(RuntimeError) -> Registration {
        let token = self.state.withLock { state in
            let token = state.nextToken
            state.nextToken += 1
            state.handlers[token] = handler
            return token
        }
        guard csr_epoll_add(self.epoll.number, descriptor.number, events.rawValue, token) == 0 else {
            let error = SystemError.last(in: "epoll_ctl")
            self.state.withLock { _ = $0.handlers.removeValue(forKey: token) }
            throw RuntimeError(.exhausted, "cannot watch a descriptor", cause: error)
        }
        return Registration(token: token, descriptor: descriptor)
    }

    /// Changes what is waited for.
    package func change(_ registration: Registration, to events: Readiness) {
        // Fails only for one that was stopped meanwhile: then there is nothing to wait for.
        _ = csr_epoll_modify(
            self.epoll.number,
            registration.descriptor.number,
            events.rawValue,
            registration.token
        )
    }

    /// The handler is not called again, but for a call that has begun. May be repeated.
    package func stop(_ registration: Registration) {
        let handler = self.state.withLock { $0.handlers.removeValue(forKey: registration.token) }
        if handler != nil { _ = csr_epoll_delete(self.epoll.number, registration.descriptor.number) }
    }

    /// Ends the thread.
    package func close() {
        self.state.withLock { $0.isClosed = true }
        var one: UInt64 = 1
        // The counter of an eventfd is full only if the thread was woken already.
        _ = Glibc.write(self.wakeUp.number, &one, 8)
    }

    private func run() {
        var tokens = [UInt64](repeating: 0, count: 64)
        var events = [UInt32](repeating: 0, count: 64)
        while true {
            let count = csr_epoll_wait(self.epoll.number, &tokens, &events, 64)
            // Below 0 only when a signal interrupts it.
            for index in 0..<max(0, Int(count)) {
                if tokens[index] == 0 {
                    if self.state.withLock({ $0.isClosed }) { return }
                    continue
                }
                let handler = self.state.withLock { $0.handlers[tokens[index]] }
                handler?(Readiness(rawValue: events[index]))
            }
        }
    }
}
