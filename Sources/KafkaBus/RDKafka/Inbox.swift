internal import MessageBus
internal import ServiceKit

/// What a polling thread has found, until it is asked for.
final class Inbox<Element: Sendable>: Sendable {
    struct State: Sendable {
        fileprivate(set) var elements: [Element] = []
        /// Elements before it are taken.
        fileprivate var head = 0
        fileprivate var waiters: [UInt64: CheckedContinuation<Void, Never>] = [:]
        fileprivate var nextWaiter: UInt64 = 0
        fileprivate var isClosed = false
        fileprivate var failure: BusError?

        var first: Element? { self.head < self.elements.count ? self.elements[self.head] : nil }
        var count: Int { self.elements.count - self.head }

        mutating func removeFirst() -> Element? {
            guard self.head < self.elements.count else { return nil }
            defer {
                self.head += 1
                if self.head == self.elements.count {
                    self.elements.removeAll(keepingCapacity: self.head < 4096)
                    self.head = 0
                } else if self.head > 4096 {
                    self.elements.removeFirst(self.head)
                    self.head = 0
                }
            }
            return self.elements[self.head]
        }
    }

    private let state = Monitor(State())

    func add(_ elements: [Element]) {
        guard !elements.isEmpty else { return }
        self.wake { state in
            if !state.isClosed { state.elements += elements }
        }
    }

    func removeAll(where isUnwanted: (Element) -> Bool) {
        self.state.withLock { state in
            state.elements = state.elements[state.head...].filter { !isUnwanted($0) }
            state.head = 0
        }
        self.state.broadcast()
    }

    /// Ends it: whoever waits learns, after what is there has been taken or at once.
    func close(dropping: Bool) {
        self.wake { state in
            state.isClosed = true
            if dropping {
                state.elements = []
                state.head = 0
            }
        }
    }

    func fail(_ error: BusError) { self.wake { $0.failure = $0.failure ?? error } }

    private func wake(_ body: (inout State) -> Void) {
        let waiters = self.state.withLock { state in
            body(&state)
            defer { state.waiters = [:] }
            return state.waiters.values
        }
        self.state.broadcast()
        for waiter in waiters { waiter.resume() }
    }

    /// What `take` makes of the elements, as soon as it makes something; `nil` once it is closed.
    ///
    /// - Throws: `CancellationError`, or the ``BusError`` it failed with.
    func next<Result>(_ take: (inout State) -> Result?) async throws -> Result? {
        while true {
            try Task.checkCancellation()
            let (result, isOver, failure, number) = self.state.withLock { state in
                let result = take(&state)
                let isOver = result == nil && state.isClosed
                state.nextWaiter += 1
                return (result, isOver, state.failure, state.nextWaiter)
            }
            if let result {
                self.state.broadcast()
                return result
            }
            if isOver { return nil }
            if let failure { throw failure }
            await self.wait(number)
        }
    }

    /// Suspends until something changes.
    private func wait(_ number: UInt64) async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let mustWait = self.state.withLock { state in
                    // Changed since it was looked at, or cancelled before anybody could be resumed: look again.
                    guard state.count == 0, !state.isClosed, state.failure == nil, !Task.isCancelled else {
                        return false
                    }
                    state.waiters[number] = continuation
                    return true
                }
                if !mustWait { continuation.resume() }
            }
        } onCancel: {
            self.state.withLock { $0.waiters.removeValue(forKey: number) }?.resume()
        }
    }

    /// Blocks a thread of our own until no more than `count` elements wait, or it is closed.
    func waitForRoom(_ count: Int) {
        self.state.wait { $0.count <= count || $0.isClosed ? () : nil }
    }

    var count: Int { self.state.withLock { $0.count } }
}
