import SandboxRuntime
import ServiceKit

/// What images the daemon has, as last heard, and how to get others.
final class ImageStore: Sendable {
    private struct State {
        var ids: [ImageName: String] = [:]
        var details: [String: ImageDetails] = [:]
        var pulls: [ImageName: Pull] = [:]
    }

    /// One that runs; whoever wants the same image waits for it too.
    private final class Pull: Sendable {
        let done = Signal()
        let error = Locked<RuntimeError?>(nil)
    }

    private let engine: EngineClient
    private let allowed: [String]
    private let pulls: Bool
    private let pullTimeout: Duration
    private let logger: Logger
    private let state = Locked(State())

    init(engine: EngineClient, configuration: DockerConfiguration, logger: Logger) {
        self.engine = engine
        self.allowed = configuration.allowedImages
        self.pulls = configuration.pullsImages
        self.pullTimeout = configuration.pullTimeout
        self.logger = logger
    }

    /// Names that can be used at once, sorted.
    var names: [String] {
        self.state.withLock { $0.ids.keys }.filter { !$0.isDigest && self.isAllowed($0) }.map(\.description).sorted()
    }

    /// Whether the name can be used: the image is there, or may be pulled. Asks nobody.
    func resolve(_ text: String) throws(RuntimeError) {
        let name = try self.name(text)
        guard self.pulls || self.id(of: name) != nil else { throw self.unknown(text, "") }
    }

    /// Asks the daemon what it has.
    func refresh() async throws(EngineError) {
        let images: [ListedImage] = try await self.engine.get("/images/json")
        var ids: [ImageName: String] = [:]
        for image in images {
            for text in (image.tags ?? []) + (image.digests ?? []) {
                if let name = ImageName(text) { ids[name] = image.id }
            }
        }
        self.state.withLock { state in
            state.ids = ids
            let known = Set(ids.values)
            state.details = state.details.filter { known.contains($0.key) }
        }
    }

    /// Refreshes whenever the daemon tells of a change, until the task is cancelled.
    func follow() async {
        var pause = Duration.milliseconds(200)
        while !Task.isCancelled {
            do throws(EngineError) {
                let events = try await self.engine.stream("GET", "/events", [("filters", #"{"type":["image"]}"#)])
                // What changed while nobody listened.
                try await self.refresh()
                pause = .milliseconds(200)
                try await events.forEach(EngineEvent.self) { _ in await self.refreshOrTell() }
            } catch {
                guard !Task.isCancelled else { return }
                let words = "\(error)"
                self.logger.warning("Events of the Docker daemon broke off", metadata: [LogKey.error: words])
            }
            // Cancelled: the loop ends.
            do { try await Task.sleep(for: pause) } catch { return }
            pause = min(pause * 2, .seconds(10))
        }
    }

    private func refreshOrTell() async -> Bool {
        do throws(EngineError) {
            try await self.refresh()
            return true
        } catch {
            self.logger.warning("Images cannot be listed", metadata: [LogKey.error: "\(error)"])
            return false
        }
    }

    /// The image of a name, pulled if it is missing and may be.
    ///
    /// - Throws: ``RuntimeError/Code/unknownImage`` naming those that are known, and what the registry said.
    func find(_ text: String) async throws(RuntimeError) -> ImageDetails {
        let name = try self.name(text)
        for attempt in 0..<3 {
            if self.id(of: name) == nil { try await self.listAgain() }
            if self.id(of: name) == nil {
                guard self.pulls else { throw self.unknown(text, "") }
                try await self.pull(name, text)
            }
            if let details = try await self.details(of: name, isLast: attempt == 2) { return details }
        }
        throw self.unknown(text, "it is there and then it is not")
    }

    /// Forgets an image that the daemon says it does not have.
    func forget(_ image: ImageDetails) {
        self.state.withLock { state in
            state.ids = state.ids.filter { $0.value != image.id }
            state.details[image.id] = nil
        }
    }

    private func listAgain() async throws(RuntimeError) {
        do throws(EngineError) { try await self.refresh() } catch { throw RuntimeError(error, trying: "list images") }
    }

    private func details(of name: ImageName, isLast: Bool) async throws(RuntimeError) -> ImageDetails? {
        guard let id = self.id(of: name) else { return nil }
        if let known = self.state.withLock({ $0.details[id] }) { return known }
        do throws(EngineError) {
            let details = ImageDetails(try await self.engine.get("/images/\(id)/json", as: InspectedImage.self))
            self.state.withLock { $0.details[id] = details }
            return details
        } catch {
            guard error.code == .notFound, !isLast else { throw RuntimeError(error, trying: "look into image \(name)") }
            // Removed since it was listed.
            self.forget(ImageDetails(id: id))
            return nil
        }
    }

    // MARK: Names

    private func name(_ text: String) throws(RuntimeError) -> ImageName {
        guard let name = ImageName(text) else { throw self.unknown(text, "that is no image's name") }
        guard self.isAllowed(name) else { throw self.unknown(text, "this installation does not allow it") }
        return name
    }

    private func id(of name: ImageName) -> String? { self.state.withLock { $0.ids[name] } }

    private func isAllowed(_ name: ImageName) -> Bool {
        self.allowed.isEmpty || self.allowed.contains { name.matches($0) }
    }

    private func unknown(_ text: String, _ reason: String) -> RuntimeError {
        let known = self.names.isEmpty ? "none" : self.names.joined(separator: ", ")
        let because = reason.isEmpty ? "" : ": \(reason)"
        return RuntimeError(.unknownImage, "no image is called \(text)\(because); known are: \(known)")
    }

    // MARK: Pulls

    /// Returns when the image is there. Cancellation ends the wait, not the pull: others may wait for it.
    private func pull(_ name: ImageName, _ text: String) async throws(RuntimeError) {
        let (pull, isFirst) = self.state.withLock { state in
            if let pull = state.pulls[name] { return (pull, false) }
            let pull = Pull()
            state.pulls[name] = pull
            return (pull, true)
        }
        if isFirst {
            // A task of its own, since it outlives whoever asked first; it ends with the pull's timeout.
            Task {
                let error = await self.runPull(name, text)
                pull.error.withLock { $0 = error }
                self.state.withLock { $0.pulls[name] = nil }
                pull.done.fire()
            }
        }
        do {
            try await pull.done.wait()
        } catch {
            throw RuntimeError(.cancelled, "cancelled while image \(name) was pulled", cause: error)
        }
        if let error = pull.error.withLock({ $0 }) { throw error }
    }

    private func runPull(_ name: ImageName, _ text: String) async -> RuntimeError? {
        let metadata = [LogKey.image: "\(name)"]
        self.logger.info("Pulling an image", metadata: metadata)
        do throws(EngineError) {
            try await ImagePull(engine: self.engine, logger: self.logger).run(name, timeout: self.pullTimeout)
            try await self.refresh()
            self.logger.info("Pulled an image", metadata: metadata)
            return nil
        } catch {
            let words = "\(error)"
            self.logger.warning(
                "An image cannot be pulled",
                metadata: [LogKey.image: "\(name)", LogKey.error: words]
            )
            switch error.code {
            case .unreachable, .notUnderstood: return RuntimeError(error, trying: "pull image \(name)")
            default: return self.unknown(text, "pulling it failed: \(error.message)")
            }
        }
    }
}
