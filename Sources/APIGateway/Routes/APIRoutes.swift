import ServiceKit

/// All routes of the gateway.
enum APIRoutes {
    static func all(_ context: GatewayContext, registry: MetricsRegistry) -> [APIRoute] {
        let api =
            HealthRoutes(context: context).routes + TemplateRoutes(context: context).routes
            + SessionRoutes(context: context).routes + DependencyRoutes(context: context).routes
            + ExecutionRoutes(context: context).routes + FileRoutes(context: context).routes
            + NodeRoutes(context: context).routes + InternalRoutes(context: context).routes
        return api + DocumentationRoutes(registry: registry, documented: api).routes
    }
}
