import CMicrohttpd
import ServiceKit
import Synchronization

/// What all connections of a server share.
final class ServerContext: Sendable {
    /// The settings in the form that the hot path needs.
    struct Timeouts: Sendable {
        let header, body, keepAlive, stall: UInt64
    }

    let configuration: HTTPServerConfiguration
    let timeouts: Timeouts
    let router: HTTPRouter
    let observe: HTTPServer.Observer?
    let diagnose: HTTPServer.Diagnostics?
    let requestIDs = RequestIDGenerator()
    let sweeper = Sweeper()
    /// From the start of the server to its stop.
    private let lingerer = Locked<Lingerer?>(nil)
    /// Requests between their head and the end of their answer.
    let requests = ActivityCount()
    /// Exchanges that the library still knows; it must not be stopped before there are none.
    let attached = ActivityCount()
    /// Exchanges with the tasks that they started.
    let exchanges = ActivityCount()
    private let draining = Atomic(false)
    private let closing = Atomic(false)
    private let rate = Locked(RateLimit(perSecond: 10))

    init(
        configuration: HTTPServerConfiguration,
        router: HTTPRouter,
        observe: HTTPServer.Observer?,
        diagnose: HTTPServer.Diagnostics?
    ) {
        self.configuration = configuration
        self.router = router
        self.observe = observe
        self.diagnose = diagnose
        self.timeouts = Timeouts(
            header: configuration.headerTimeout.nanoseconds,
            body: configuration.bodyTimeout.nanoseconds,
            keepAlive: configuration.keepAliveTimeout.nanoseconds,
            stall: configuration.stallTimeout.nanoseconds
        )
    }

    /// Whether the server is to stop: each answer closes its connection.
    var isDraining: Bool { self.draining.load(ordering: .sequentiallyConsistent) }
    /// Whether the time for that is over: nothing is answered any more.
    var isClosing: Bool { self.closing.load(ordering: .sequentiallyConsistent) }

    func startDraining() { self.draining.store(true, ordering: .sequentiallyConsistent) }
    func startClosing() { self.closing.store(true, ordering: .sequentiallyConsistent) }

    func startLingering() throws(HTTPServerError) {
        let lingerer = try Lingerer()
        self.lingerer.withLock { $0 = lingerer }
    }

    /// The connection is about to be closed, though its client may be sending.
    func linger(_ connection: Connection) { self.lingerer.withLock { $0 }?.take(connection.descriptor) }

    func requestLingeringStop() { self.lingerer.withLock { $0 }?.requestStop() }

    func stopLingering() async { await self.lingerer.withLock { $0 }?.stop() }

    /// For operators. What bad clients can cause is limited, lest it fill a disk.
    func report(_ message: @autoclosure () -> String) {
        guard let diagnose = self.diagnose else { return }
        let now = MonotonicTime.now()
        let verdict = self.rate.withLock { $0.admit(now: now) }
        guard verdict.isAdmitted else { return }
        diagnose(verdict.suppressed > 0 ? "\(message()) (\(verdict.suppressed) messages left out before)" : message())
    }

    func reportFailure(_ error: any Error) {
        if let error = error as? HTTPServerError, error.code == .clientClosed || error.code == .cancelled { return }
        if error is CancellationError { return }
        self.report("A stream was cut short: \(error)")
    }
}

/// Lets a few through per second and counts the others.
struct RateLimit: Sendable {
    let perSecond: Int
    private var second: UInt64 = 0
    private var admitted = 0
    private var suppressed = 0

    init(perSecond: Int) { self.perSecond = perSecond }

    /// - Parameter now: In nanoseconds.
    mutating func admit(now: UInt64) -> (isAdmitted: Bool, suppressed: Int) {
        let second = now / 1_000_000_000
        if second != self.second {
            self.second = second
            self.admitted = 0
        }
        guard self.admitted < self.perSecond else {
            self.suppressed += 1
            return (false, 0)
        }
        self.admitted += 1
        defer { self.suppressed = 0 }
        return (true, self.suppressed)
    }
}
