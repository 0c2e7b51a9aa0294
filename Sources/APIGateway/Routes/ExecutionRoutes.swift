import HTTPServer
import Messages
import StateStore

/// Submitting, following and cancelling executions.
struct ExecutionRoutes: Sendable {
    private static let tag = "Executions"
    private static let path = APIRoute.base + "/executions"

    let context: GatewayContext

    var routes: [APIRoute] { self.submissions + self.readings }

    private var submissions: [APIRoute] {
        [
            APIRoute(
                .post,
                Self.path + "/sessions/{id}/execute",
                body: .buffered(limit: Limits.body),
                document: self.submission(
                    "Run code",
                    "Answered once the request is durable; runs in order of acceptance."
                )
                .answers(201, "Accepted", .reference("ExecutionAccepted"))
            ) { try await self.submit($0) },
            APIRoute(
                .post,
                Self.path + "/sessions/{id}/execute-sync",
                body: .buffered(limit: Limits.body),
                document: self.submission("Run code and wait", "Answered the moment the execution ends.")
                    .query(
                        "poll_interval",
                        .number(Limits.pollInterval, default: 0.5),
                        "Seconds; checked, and of no effect: nothing is polled"
                    )
                    .query("sync_timeout", .number(Limits.syncTimeout, default: 300), "Seconds to wait at most")
                    .answers(200, "The execution, ended", .reference("Execution"))
                    .refuses((408, "It has not ended in time, and goes on"))
            ) { try await self.submitAndWait($0) },
        ]
    }

    private var readings: [APIRoute] {
        var result = APIRoute(
            .get,
            Self.path + "/{id}/result",
            document: self.reading("Read a result", "With wait, answered the moment the execution ends.")
                .query("wait", .number(Limits.wait, default: 0), "Seconds to wait for the end")
                .answers(200, "The execution", .reference("Execution")).refuses((422, "The request is not valid"))
        ) { try await self.waitForResult($0) }
        result.immediate = { $0.rawQuery.isEmpty ? try self.read($0) : nil }
        return [
            APIRoute(
                immediate: .get,
                Self.path + "/{id}/status",
                document: self.reading("Read a status").answers(200, "The execution", .reference("Execution"))
            ) { try self.read($0) },
            result,
            APIRoute(
                .post,
                Self.path + "/{id}/cancel",
                document: self.reading("Cancel an execution", "One that has ended is answered as it is.")
                    .answers(200, "The execution", .reference("Execution"))
            ) { try await self.cancel($0) },
            APIRoute(
                .get,
                Self.path + "/sessions/{id}/executions",
                document: RouteDocument(Self.tag, "List a session's executions", "Newest first.")
                    .path("id", "The session").paged()
                    .answers(200, "The executions", .reference("ExecutionList"))
                    .refuses((404, "There is no such session"), (422, "The request is not valid"))
            ) { try await self.list($0) },
        ]
    }

    private func submission(_ summary: String, _ text: String) -> RouteDocument {
        RouteDocument(Self.tag, summary, text).path("id", "The session").body("Execute")
            .refuses(
                (404, "There is no such session"),
                (409, "The session has ended"),
                (422, "The request is not valid"),
                (429, "The queue is full")
            )
    }

    private func reading(_ summary: String, _ text: String = "") -> RouteDocument {
        RouteDocument(Self.tag, summary, text).path("id", "The execution")
            .refuses((404, "There is no such execution"))
    }

    // MARK: Submitting

    private func submit(_ request: HTTPRequest) async throws -> HTTPResponse {
        let spec = try self.spec(request)
        try await self.publish(spec, isShown: true)
        return .json(201, Documents.accepted(spec))
    }

    private func submitAndWait(_ request: HTTPRequest) async throws -> HTTPResponse {
        var query = QueryReader(request)
        _ = query.double("poll_interval", in: Limits.pollInterval, default: 0.5)
        let timeout = query.double("sync_timeout", in: Limits.syncTimeout, default: 300)
        try query.finish()
        let spec = try self.spec(request)
        // Before it is published: its end cannot come unseen.
        let waiter = self.context.model.ends.register(spec.id, timeout: .seconds(timeout))
        defer { waiter.withdraw() }
        try await self.publish(spec, isShown: false)
        switch await waiter.value() {
        case .value(.document(let document)):
            await self.context.shared?.show([spec.id])
            return .json(200, document)
        case .value(.gone): throw APIError.notFound(.execution(spec.id))
        case .timedOut, .cancelled:
            // Now somebody may ask for it.
            try await self.context.shared?.refresh(.execution(spec.id))
            var error = APIError(408, "execution_not_finished", "the execution has not ended yet, and goes on")
            error.execution = spec.id
            throw error
        }
    }

    private func spec(_ request: HTTPRequest) throws -> ExecutionSpec {
        let asked = try ExecutionRequest(request, defaults: self.context.configuration.timeouts)
        let session = try self.context.activeSession(SessionID(request.parameter("id")))
        return asked.spec(in: session, now: .now())
    }

    /// - Parameter isShown: Whether the client is told of it now, and not of its end only.
    private func publish(_ spec: ExecutionSpec, isShown: Bool) async throws {
        let configuration = self.context.configuration
        try self.context.model.expect(
            Execution(spec: spec),
            perSession: configuration.maxQueuedExecutionsPerSession,
            total: configuration.maxQueuedExecutions
        )
        do {
            try await self.context.commands.submit(.submit(spec), key: spec.session.rawValue)
        } catch {
            self.context.model.withdraw(spec.id)
            throw error
        }
        if isShown {
            await self.context.shared?.share(Execution(spec: spec))
        } else {
            self.context.shared?.keep(spec.id)
        }
        self.context.model.confirm(spec.id)
        self.context.metrics.submitted(spec.language)
    }

    // MARK: Reading

    private func read(_ request: HTTPRequest) throws -> HTTPResponse {
        .json(200, try self.context.document(.execution(ExecutionID(request.parameter("id")))))
    }

    private func waitForResult(_ request: HTTPRequest) async throws -> HTTPResponse {
        var query = QueryReader(request)
        let wait = query.double("wait", in: Limits.wait, default: 0)
        try query.finish()
        let id = ExecutionID(request.parameter("id"))
        guard wait > 0 else { return try self.read(request) }
        let waiter = self.context.model.ends.register(id, timeout: .seconds(wait))
        defer { waiter.withdraw() }
        if try self.context.execution(id).status.isTerminal { return try self.read(request) }
        if case .value(.document(let document)) = await waiter.value() { return .json(200, document) }
        return try self.read(request)
    }

    private func cancel(_ request: HTTPRequest) async throws -> HTTPResponse {
        let execution = try self.context.execution(ExecutionID(request.parameter("id")))
        if !execution.status.isTerminal {
            let reference = ExecutionReference(execution: execution.spec.id, session: execution.spec.session)
            try await self.context.commands.perform(.cancel(reference))
        }
        return try self.read(request)
    }

    private func list(_ request: HTTPRequest) async throws -> HTTPResponse {
        var query = QueryReader(request)
        let (limit, offset) = (query.limit(), query.offset())
        try query.finish()
        let id = SessionID(request.parameter("id"))
        _ = try self.context.session(id)
        let page = try await self.context.list { try $0.executions(of: id, limit: limit, offset: offset) }
        await self.context.shared?.show(page.items.map(\.spec.id))
        return .json(
            200,
            self.context.documents.list(page.items, total: page.total, limit: limit, offset: offset)
        )
    }
}
