import HTTPServer
import ServiceKit

/// Counts requests and their latency, by route.
final class RequestMetrics: Sendable {
    private struct Route: Sendable {
        /// By the first digit of the status; 0 for requests that were not answered.
        var counts: [Counter]
        var latency: Histogram
    }

    private static let classes = ["none", "1xx", "2xx", "3xx", "4xx", "5xx"]

    private let routes: [String: Route]
    private let unmatched: Route

    init(registry: MetricsRegistry, routes: [APIRoute]) {
        func make(_ route: String, _ method: String) -> Route {
            let labels = ["route": route, "method": method]
            return Route(
                counts: Self.classes.map {
                    registry.counter(
                        "sandbox_http_requests_total",
                        help: "Requests by route and kind of status",
                        labels: labels.merging(["status": $0]) { $1 }
                    )
                },
                latency: registry.histogram(
                    "sandbox_http_request_seconds",
                    help: "From the end of a request's head to the end of its answer",
                    labels: labels
                )
            )
        }
        var known: [String: Route] = [:]
        for route in routes {
            known[Self.key(route.pattern, route.method)] = make(route.pattern, route.method.rawValue)
        }
        self.routes = known
        self.unmatched = make("none", "none")
    }

    /// On a thread of the server: two atomic additions.
    func observe(_ observation: HTTPObservation) {
        var route = self.unmatched
        if let pattern = observation.routePattern, let method = observation.method {
            // HEAD is served by the route of GET.
            route = self.routes[Self.key(pattern, method == .head ? .get : method)] ?? route
        }
        route.counts[min(max(0, observation.status / 100), 5)].increment()
        route.latency.observe(observation.duration)
    }

    private static func key(_ pattern: String, _ method: HTTPMethod) -> String { pattern + method.rawValue }
}
