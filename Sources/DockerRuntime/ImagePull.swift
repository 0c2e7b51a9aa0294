import SandboxRuntime
import ServiceKit

/// One pull of an image, told in the log as it goes on.
struct ImagePull: Sendable {
    let engine: EngineClient
    let logger: Logger

    /// Bytes of each layer that came, and what they will be.
    struct Progress: Sendable, Equatable {
        private(set) var current: [String: Int64] = [:]
        private(set) var total: [String: Int64] = [:]

        mutating func take(_ message: PullMessage) {
            guard let id = message.id else { return }
            if let total = message.detail?.total, message.status == "Downloading" {
                self.total[id] = total
                self.current[id] = message.detail?.current ?? 0
            } else if message.status == "Download complete", let total = self.total[id] {
                self.current[id] = total
            }
        }

        /// Such as `3 of 12 MB`.
        var description: String {
            func megabytes(_ bytes: [String: Int64]) -> Int64 { bytes.values.reduce(0, +) / 1_000_000 }
            return "\(megabytes(self.current)) of \(megabytes(self.total)) MB"
        }
    }

    /// - Throws: ``EngineError``; its message is the registry's or the daemon's.
    func run(_ name: ImageName, timeout: Duration) async throws(EngineError) {
        let result = await withTaskGroup(of: Result<Void, EngineError>.self) { group in
            group.addTask {
                do throws(EngineError) {
                    try await self.follow(name)
                    return .success(())
                } catch {
                    return .failure(error)
                }
            }
            group.addTask {
                // Cancelled once the pull is over: then its result is not looked at.
                do { try await Task.sleep(for: timeout) } catch { return .success(()) }
                return .failure(EngineError(.timedOut, "it took longer than \(timeout)"))
            }
            defer { group.cancelAll() }
            return await group.next() ?? .success(())
        }
        try result.get()
    }

    private func follow(_ name: ImageName) async throws(EngineError) {
        var progress = Progress()
        var told = ContinuousClock.now
        var complaint: String?
        let query = [("fromImage", name.repository), ("tag", name.reference)]
        let messages = try await self.engine.stream("POST", "/images/create", query)
        try await messages.forEach(PullMessage.self) { message in
            if let error = message.error {
                complaint = error
                return false
            }
            progress.take(message)
            if ContinuousClock.now - told > .seconds(5) {
                told = ContinuousClock.now
                self.logger.info(
                    "Pulling goes on",
                    metadata: [LogKey.image: "\(name)", LogKey.progress: progress.description]
                )
            }
            return true
        }
        if let complaint { throw EngineError(.refused, complaint) }
    }
}
