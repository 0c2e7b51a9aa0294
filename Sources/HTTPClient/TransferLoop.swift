import CCurl
import ServiceKit

/// Owns libcurl's multi handle. Everything but ``send(_:)`` and ``close()`` happens on the client's thread.
final class TransferLoop: @unchecked Sendable {
    enum Command: Sendable {
        case start(Transfer.Order)
        /// Does nothing for a number that is over, or was never started.
        case cancel(UInt64)
        /// The reader of a stream has room again.
        case resume(UInt64)
    }

    private struct Inbox: Sendable {
        var commands: [Command] = []
        var isClosed = false
        /// The thread has ended: nobody reads the inbox any more.
        var isOver = false
    }

    // Sound: `multi` is made before and freed after the thread, and `curl_multi_wakeup` may be called from any thread;
    // `transfers`, `numbers` and `idleHandles` are the thread's.
    private let multi: UnsafeMutableRawPointer
    private let inbox = Locked(Inbox())
    private var transfers: [UInt64: Transfer] = [:]
    private var numbers: [UnsafeMutableRawPointer: UInt64] = [:]
    private var idleHandles: [UnsafeMutableRawPointer] = []

    /// Once for the process, before any thread of libcurl.
    private static let isInitialized: Bool = curl_global_init(Int(CURL_GLOBAL_ALL)) == CURLE_OK

    init(maxConnectionsPerHost: Int) throws(HTTPClientError) {
        guard Self.isInitialized, let multi = curl_multi_init() else {
            throw HTTPClientError(.other, "libcurl does not start")
        }
        self.multi = multi
        shim_multi_set_long(multi, CURLMOPT_MAX_HOST_CONNECTIONS, maxConnectionsPerHost)
    }

    deinit {
        for handle in self.idleHandles { curl_easy_cleanup(handle) }
        curl_multi_cleanup(self.multi)
    }

    func send(_ command: Command) {
        enum Outcome { case queued, first, closed }
        let outcome = self.inbox.withLock { inbox -> Outcome in
            if inbox.isClosed { return .closed }
            inbox.commands.append(command)
            return inbox.commands.count == 1 ? .first : .queued
        }
        switch outcome {
        case .queued: return
        case .first: curl_multi_wakeup(self.multi)
        case .closed:
            if case .start(let order) = command { order.finish(.failure(Self.closedError)) }
        }
    }

    func close() {
        let wasClosed = self.inbox.withLock { inbox in
            defer { inbox.isClosed = true }
            return inbox.isClosed
        }
        if !wasClosed { curl_multi_wakeup(self.multi) }
    }

    private static let closedError = HTTPClientError(.closed, "the HTTP client is closed")

    func run() {
        while true {
            let inbox = self.inbox.withLock { inbox in
                defer { inbox.commands = [] }
                return inbox
            }
            for command in inbox.commands { self.apply(command) }
            if inbox.isClosed { break }
            var running: Int32 = 0
            curl_multi_perform(self.multi, &running)
            self.collectFinished()
            // Woken by data, by libcurl's own timers, or by `curl_multi_wakeup`; an hour stands for ever.
            curl_multi_poll(self.multi, nil, 0, 3_600_000, nil)
        }
        for transfer in Array(self.transfers.values) { self.end(transfer, .failure(Self.closedError)) }
    }

    private func apply(_ command: Command) {
        switch command {
        case .start(let order):
            guard let handle = self.idleHandles.popLast() ?? curl_easy_init() else {
                order.finish(.failure(HTTPClientError(.other, "no memory for a request")))
                return
            }
            let transfer = Transfer(order, handle: handle)
            self.transfers[order.number] = transfer
            self.numbers[handle] = order.number
            if let error = transfer.prepare() { return self.end(transfer, .failure(error)) }
            let result = curl_multi_add_handle(self.multi, handle)
            transfer.isAdded = result == CURLM_OK
            if !transfer.isAdded {
                self.end(transfer, .failure(HTTPClientError(.other, String(cString: curl_multi_strerror(result)))))
            }
        case .cancel(let number):
            guard let transfer = self.transfers[number] else { return }
            self.end(transfer, .failure(HTTPClientError(.cancelled, "the task was cancelled")))
        case .resume(let number):
            // May deliver what was held back, or end the transfer: the next round sees to it.
            if let transfer = self.transfers[number] { curl_easy_pause(transfer.handle, CURLPAUSE_CONT) }
        }
    }

    private func collectFinished() {
        var left: Int32 = 0
        while let message = curl_multi_info_read(self.multi, &left) {
            guard message.pointee.msg == CURLMSG_DONE, let handle = message.pointee.easy_handle else { continue }
            let result = message.pointee.data.result
            guard let number = self.numbers[handle], let transfer = self.transfers[number] else { continue }
            self.end(transfer, transfer.outcome(of: result))
        }
    }

    private func end(_ transfer: Transfer, _ result: Result<HTTPClientResponse, HTTPClientError>) {
        self.transfers[transfer.order.number] = nil
        self.numbers[transfer.handle] = nil
        if transfer.isAdded { curl_multi_remove_handle(self.multi, transfer.handle) }
        curl_easy_reset(transfer.handle)
        if self.idleHandles.count < 16 {
            self.idleHandles.append(transfer.handle)
        } else {
            curl_easy_cleanup(transfer.handle)
        }
        transfer.order.finish(result)
    }
}
