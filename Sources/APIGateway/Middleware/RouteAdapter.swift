import HTTPServer
import Messages
import ServiceKit

/// Wraps a route: errors become answers, every answer gets its headers, and nothing is answered before it can be true.
struct RouteAdapter: Sendable {
    /// On every answer.
    private static let headers = [
        HTTPHeader("X-Content-Type-Options", "nosniff"), HTTPHeader("Cache-Control", "no-store"),
        HTTPHeader("X-Frame-Options", "DENY"), HTTPHeader("Referrer-Policy", "no-referrer"),
    ]

    /// Fired once the state of the system is known.
    let ready: Signal
    /// What other gateways have shown; `nil` where there are none.
    let shared: SharedView?
    let logger: Logger

    func adapt(_ route: APIRoute) -> HTTPRoute {
        var immediate: HTTPRoute.ImmediateHandler?
        if let answer = route.immediate {
            immediate = { request in
                // What may be newer elsewhere is asked for first, and that takes a task.
                if let shared = self.shared, let subject = route.subject(request), !shared.isFinal(subject) {
                    return nil
                }
                return self.answerAtOnce(request, answer)
            }
        }
        return HTTPRoute(
            route.method,
            route.pattern,
            body: route.body,
            admit: { self.refusal(of: $0, route) },
            immediate: immediate,
            handler: { await self.answer($0, route) }
        )
    }

    private func answerAtOnce(_ request: HTTPRequest, _ handler: APIRoute.ImmediateHandler) -> HTTPResponse? {
        do {
            return try handler(request).map { Self.finish($0) }
        } catch {
            return self.answer(error, request)
        }
    }

    private func answer(_ request: HTTPRequest, _ route: APIRoute) async -> HTTPResponse {
        do {
            guard let shared = self.shared, let subject = route.subject(request), !shared.isFinal(subject) else {
                return Self.finish(try await route.handler(request))
            }
            try await shared.refresh(subject)
            let response = try await route.handler(request)
            // It may have ended meanwhile.
            if case .execution(let id) = subject { await shared.show([id]) }
            return Self.finish(response)
        } catch {
            return self.answer(error, request)
        }
    }

    /// The body of an error that the server answers by itself.
    static func errorBody(_ status: Int, _ code: String, _ message: String) -> [UInt8] {
        APIError(status, code, message).body
    }

    private func refusal(of request: HTTPRequest, _ route: APIRoute) -> HTTPResponse? {
        guard route.answersWhileStarting || self.ready.isFired else {
            return self.answer(APIError.unavailable("the service is starting", code: "starting"), request)
        }
        guard let admit = route.admit else { return nil }
        do {
            try admit(request)
            return nil
        } catch let error as APIError where error.status == 404 && self.shared != nil {
            // Another gateway may know it: the handler asks.
            return nil
        } catch {
            return self.answer(error, request)
        }
    }

    private func answer(_ error: any Error, _ request: HTTPRequest) -> HTTPResponse {
        let answer = APIError(error)
        if let cause = answer.cause {
            self.logger.error(
                "A request could not be served",
                metadata: [
                    LogKey.requestID: request.id, LogKey.route: request.routePattern, LogKey.error: "\(cause)",
                ]
            )
        }
        return Self.finish(answer.response)
    }

    private static func finish(_ response: HTTPResponse) -> HTTPResponse {
        var response = response
        if response.headers.isEmpty { response.headers = self.headers } else { response.headers += self.headers }
        return response
    }
}
