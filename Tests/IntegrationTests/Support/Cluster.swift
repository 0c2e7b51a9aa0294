import Foundation
import JSON
import ServiceKit
import TestProcesses
import TestServers
import Testing

/// A whole cluster on this machine: a broker, Redis, gateways, dispatchers and nodes, each a process with a folder and a
/// port of its own.
final class Cluster: Sendable {
    static let token = "integration-tests-token"
    /// Why there cannot be one here; `nil` if there can.
    static let obstacle: String? =
        RealKafka.missing ?? (RealRedis.isInstalled ? nil : "redis-server is not installed")

    let folder: String
    let broker: Broker
    let redis: RealRedis
    let gateways: [ClusterPart]
    let dispatchers: [ClusterPart]
    let nodes: [ClusterPart]
    /// Clients, one of each gateway.
    let apis: [API]

    var parts: [ClusterPart] { self.dispatchers + self.nodes + self.gateways }

    private init(
        folder: String,
        broker: Broker,
        redis: RealRedis,
        size: (gateways: Int, dispatchers: Int, nodes: Int),
        environment: [String: String],
        hosts: [BridgedNetwork.Host]
    ) throws {
        self.folder = folder
        self.broker = broker
        self.redis = redis
        let shared = [
            "KAFKA_BOOTSTRAP_SERVERS": broker.address, "REDIS_URL": redis.url, "INTERNAL_TOKEN": Self.token,
            "WARM_POOL_SIZE": "1", "RUNTIME": "bubblewrap",
            // What gateways promise of one another holds while Redis answers, and on a busy machine it takes its time.
            "REDIS_TIMEOUT_SECONDS": "30", "REDIS_CONNECT_TIMEOUT_SECONDS": "30",
        ].merging(environment) { $1 }
        func parts(_ kind: ClusterPart.Kind, _ prefix: String, _ count: Int, idKey: String? = nil) throws
            -> [ClusterPart]
        {
            try (1...count).map { number in
                let name = "\(prefix)-\(number)"
                var own = shared
                if let idKey { own[idKey] = name }
                return ClusterPart(
                    kind,
                    name: name,
                    folder: "\(folder)/\(name)",
                    port: try LoopbackPorts.take(),
                    environment: own,
                    // The first is on this machine, the others where there is room.
                    host: kind == .node && (2..<2 + hosts.count).contains(number) ? hosts[number - 2] : nil
                )
            }
        }
        self.gateways = try parts(.gateway, "gateway", size.gateways)
        self.dispatchers = try parts(.dispatcher, "dispatcher", size.dispatchers, idKey: "DISPATCHER_ID")
        self.nodes = try parts(.node, "node", size.nodes, idKey: "NODE_ID")
        self.apis = try self.gateways.map { try API(port: $0.port) }
    }

    /// Gives `body` a cluster that runs, and afterwards leaves nothing of it, whatever happened.
    ///
    /// - Parameter network: Whose hosts have a node each, from the second node on.
    static func with(
        gateways: Int = 2,
        dispatchers: Int = 2,
        nodes: Int = 3,
        environment: [String: String] = [:],
        network: BridgedNetwork? = nil,
        _ body: (Cluster) async throws -> Void
    ) async throws {
        let folder = NSTemporaryDirectory().appending("cluster-test-\(UUID().uuidString)")
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let address = network?.address ?? "127.0.0.1"
        let redis = try await RealRedis.start(
            // Beyond loopback it wants one.
            password: network == nil ? nil : Self.token,
            listensOnTCP: network != nil,
            host: address
        )
        let broker = try await Broker.start(
            folder: NSTemporaryDirectory().appending("broker-\(UUID().uuidString)"),
            host: address
        )
        let cluster = try Cluster(
            folder: folder,
            broker: broker,
            redis: redis,
            size: (gateways, dispatchers, nodes),
            environment: environment,
            hosts: network?.hosts ?? []
        )
        let outcome = await Self.outcome { try await cluster.run(body) }
        // In a task of its own: it must happen in a cancelled one, too.
        await Task { await cluster.remove(hasFailed: outcome != nil) }.value
        if let outcome { throw outcome }
    }

    private func run(_ body: (Cluster) async throws -> Void) async throws {
        for part in self.parts { try part.launch() }
        try await self.isReady()
        try await body(self)
    }

    private static func outcome(_ body: () async throws -> Void) async -> (any Error)? {
        do {
            try await body()
            return nil
        } catch {
            return error
        }
    }

    private func remove(hasFailed: Bool) async {
        let cleanUp = await Self.outcome {
            for part in self.parts { try await part.remove() }
            if hasFailed || ProcessInfo.processInfo.environment["KEEPS_CLUSTER_LOGS"] != nil { try self.keepLogs() }
            for api in self.apis { api.close() }
            await self.redis.stop()
            try await self.broker.remove()
            try await self.leavesNoProcess()
            try FileManager.default.removeItem(atPath: self.folder)
        }
        if let cleanUp { Issue.record("cannot clean up: \(cleanUp)") }
    }

    private func keepLogs() throws {
        let folder = self.folder + "-logs"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        for part in self.parts {
            try part.log.write(toFile: "\(folder)/\(part.name).log", atomically: false, encoding: .utf8)
        }
        print("What the cluster's processes printed: \(folder)")
    }

    // MARK: Events

    /// Waits until every gateway knows every node as ready.
    func isReady() async throws {
        for api in self.apis {
            _ = try await eventually("\(api.base) has every node ready") {
                let nodes = await api.nodesIfAnswered()
                return nodes.filter { $0.status == "ready" }.count == self.nodes.count ? true : nil
            }
        }
    }

    /// Waits for the last sandbox of every node to be gone.
    func leavesNoProcess() async throws {
        _ = try await eventually("no process is left, there is \(Leftovers.processes(of: self.folder))") {
            Leftovers.processes(of: self.folder).isEmpty ? true : nil
        }
    }

    func node(of session: String) async throws -> ClusterPart {
        let name = try await self.apis[0].get("/sessions/\(session)").optionalString("runtime_node")
        return try #require(self.nodes.first { $0.name == name }, "session \(session) is on \(name ?? "no node")")
    }
}

extension Cluster {
    /// So many sessions that run, made through the gateways in turn.
    func sessions(_ count: Int) async throws -> [API.Session] {
        var sessions: [API.Session] = []
        for number in 0..<count { sessions.append(try await self.apis[number % self.apis.count].createSession()) }
        return sessions
    }
}
