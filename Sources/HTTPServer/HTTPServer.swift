import CMicrohttpd
import ServiceKit

/// What became of one request, for metrics and access logs.
public struct HTTPObservation: Sendable {
    /// `nil` if it was not even that.
    public var method: HTTPMethod?
    /// As declared, so of bounded number; `nil` if no route was found.
    public var routePattern: String?
    public var requestID: String
    /// 0 if nothing was answered.
    public var status: Int
    /// From the request line to the end of the answer.
    public var duration: Duration
    /// Whether the answer went out whole.
    public var isComplete: Bool
}

/// An HTTP/1.1 server: libmicrohttpd's threads do the protocol, handlers run on Swift's.
///
/// A server that was started must be stopped: it is not on its own.
public final class HTTPServer: Sendable {
    /// Called on a thread of the protocol when a request is over: it must be quick.
    public typealias Observer = @Sendable (HTTPObservation) -> Void
    /// Told what an operator may want to know, in a few lines per second at most.
    public typealias Diagnostics = @Sendable (String) -> Void

    private enum State: Sendable {
        /// Can transition to: `running`, `stopped`.
        case new
        /// Can transition to: `stopped`.
        case running(Daemon, port: UInt16)
        /// Final.
        case stopped
    }

    private let context: ServerContext
    private let onDrain: (@Sendable () -> Void)?
    private let state = Locked(State.new)
    private let stopped = Signal()

    /// - Parameter onDrain: Called once when the server begins to stop, so that handlers which wait for something answer now.
    public init(
        configuration: HTTPServerConfiguration,
        router: HTTPRouter,
        observe: Observer? = nil,
        diagnostics: Diagnostics? = nil,
        onDrain: (@Sendable () -> Void)? = nil
    ) {
        self.context = ServerContext(
            configuration: configuration,
            router: router,
            observe: observe,
            diagnose: diagnostics
        )
        self.onDrain = onDrain
    }

    /// Requests that are being received or answered.
    public var activeRequests: Int { self.context.requests.current }

    /// Clients that are connected.
    public var connections: Int { self.context.sweeper.connectionCount }

    /// Where the server listens; `nil` before the start and after the stop.
    public var port: UInt16? {
        self.state.withLock { state in
            if case .running(_, let port) = state { return port }
            return nil
        }
    }

    /// Listens, and answers from then on. Returns the port.
    ///
    /// May raise the process's soft limit of open descriptors, so that the connection limit can be kept.
    /// - Throws: ``HTTPServerError``: `.addressInUse`, `.cannotListen`, `.descriptorLimit`, `.alreadyStarted`.
    @discardableResult
    public func start() throws(HTTPServerError) -> UInt16 {
        try self.state.withLock { (state: inout State) throws(HTTPServerError) -> UInt16 in
            guard case .new = state else { throw HTTPServerError(.alreadyStarted, "a server starts once") }
            try DescriptorLimit.require(
                self.context.configuration.connectionLimit + Lingerer.limit + DescriptorLimit.reserve
            )
            let listener = try ListeningSocket(self.context.configuration)
            do throws(ThreadError) {
                try self.context.sweeper.start()
            } catch {
                throw HTTPServerError(.io, "no thread for the server", cause: error)
            }
            let daemon: Daemon
            do throws(HTTPServerError) {
                try self.context.startLingering()
                daemon = try Daemon(context: self.context, listener: listener)
            } catch {
                self.context.sweeper.requestStop()
                self.context.requestLingeringStop()
                throw error
            }
            state = .running(daemon, port: listener.port)
            return listener.port
        }
    }

    /// Refuses new clients, gives the requests under way `grace` to end, cuts off what is left, and returns when all is over.
    ///
    /// May be called again; every call returns after the stop. A handler that ignores its cancellation is waited for one
    /// second beyond, then left alone: its answer goes nowhere.
    public func stop(grace: Duration) async {
        let daemon = self.state.withLock { state -> Daemon?? in
            defer { state = .stopped }
            switch state {
            case .new: return .some(nil)
            case .running(let daemon, _): return .some(daemon)
            case .stopped: return nil
            }
        }
        guard let daemon else {
            // Thrown only on cancellation: the first call goes on.
            try? await self.stopped.wait()
            return
        }
        if let daemon {
            self.context.startDraining()
            self.onDrain?()
            for exchange in self.context.sweeper.exchanges { exchange.cancelIfEndless() }
            let deadline = ContinuousClock.now + grace
            _ = await self.context.requests.waitForNone(until: deadline)
            // Even if there are none: the next one may come on a connection that is still open.
            await self.cutOff()
            await daemon.stop()
            await self.context.sweeper.stop()
            await self.context.stopLingering()
            _ = await self.context.exchanges.waitForNone(until: .now + .seconds(1))
        }
        self.stopped.fire()
    }

    /// Ends what is left, and sees to it that no connection is parked from then on: the library aborts the process if it
    /// is stopped while one is.
    private func cutOff() async {
        self.context.startClosing()
        repeat {
            self.context.sweeper.cutOffExchanges()
        } while await !self.context.attached.waitForNone(until: .now + .seconds(1))
    }
}
