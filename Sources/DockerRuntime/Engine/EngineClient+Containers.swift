internal import Foundation
import HTTPClient

/// What is asked about containers.
extension EngineClient {
    func info() async throws(EngineError) -> EngineInfo { try await self.get("/info") }

    /// Returns the id of the container, which does not run yet.
    func create(_ request: ContainerRequest, name: String) async throws(EngineError) -> String {
        let answer = try await self.call(
            "POST",
            "/containers/create",
            [("name", name)],
            body: try self.encode(request)
        )
        let created: CreatedContainer = try self.decode(answer)
        return created.id
    }

    func start(_ container: String) async throws(EngineError) {
        try await self.call("POST", "/containers/\(container)/start")
    }

    func inspect(_ container: String) async throws(EngineError) -> InspectedContainer {
        try await self.get("/containers/\(container)/json")
    }

    func update(_ container: String, _ update: ContainerUpdate) async throws(EngineError) {
        try await self.call("POST", "/containers/\(container)/update", body: try self.encode(update))
    }

    /// Kills all of it. One that does not run is no error.
    func kill(_ container: String) async throws(EngineError) {
        do throws(EngineError) {
            try await self.call("POST", "/containers/\(container)/kill", [("signal", "KILL")])
        } catch {
            guard error.code == .conflict || error.code == .notFound else { throw error }
        }
    }

    /// Suspends until it does not run, within the timeout of a call. Returns the exit status of PID 1.
    func awaitExit(_ container: String) async throws(EngineError) -> Int32 {
        let answer = try await self.call("POST", "/containers/\(container)/wait", [("condition", "not-running")])
        let exit: ContainerExit = try self.decode(answer)
        return exit.statusCode
    }

    /// As ``awaitExit(_:)``, for as long as it takes, or until the task is cancelled.
    func watchForExit(_ container: String) async throws(EngineError) {
        _ = try await self.cancellableCall("POST", "/containers/\(container)/wait", [("condition", "not-running")])
    }

    /// Kills it if it runs, and removes it with its anonymous volumes. Returns whether it was there.
    @discardableResult
    func remove(_ container: String) async throws(EngineError) -> Bool {
        do throws(EngineError) {
            try await self.call("DELETE", "/containers/\(container)", [("force", "true"), ("v", "true")])
            return true
        } catch {
            if error.code == .notFound { return false }
            throw error
        }
    }

    /// Those with a label, running or not.
    func containers(label: String, value: String) async throws(EngineError) -> [ListedContainer] {
        let filters = String(decoding: try self.encode(["label": ["\(label)=\(value)"]]), as: UTF8.self)
        return try await self.get("/containers/json", [("all", "true"), ("filters", filters)])
    }

    /// The end of what it printed.
    func printed(_ container: String) async throws(EngineError) -> String {
        let query = [("stdout", "true"), ("stderr", "true"), ("tail", "20")]
        let answer = try await self.call("GET", "/containers/\(container)/logs", query)
        return LogFrames.text(of: answer.body)
    }

    /// How often the daemon has seen it run out of memory since a moment; waits a little for news that is on its way.
    func countOutOfMemory(_ container: String, since start: Date) async throws(EngineError) -> Int {
        let filters: [String: [String]] = ["container": [container], "event": ["oom"]]
        let answer = try await self.call(
            "GET",
            "/events",
            [
                ("since", "\(start.timeIntervalSince1970)"),
                ("until", "\(Date().addingTimeInterval(0.3).timeIntervalSince1970)"),
                ("filters", String(decoding: try self.encode(filters), as: UTF8.self)),
            ]
        )
        return answer.body.count { $0 == UInt8(ascii: "\n") }
    }
}

/// The log of a container without a terminal: frames of a kind, three bytes of nothing, a length, and text.
enum LogFrames {
    static func text(of bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        var rest = bytes[...]
        while rest.count >= 8 {
            let length = rest.dropFirst(4).prefix(4).reduce(0) { $0 << 8 | Int($1) }
            text += rest.dropFirst(8).prefix(length)
            rest = rest.dropFirst(8 + length)
        }
        return String(decoding: text, as: UTF8.self)
    }
}
