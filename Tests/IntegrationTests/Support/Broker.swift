import Foundation
import ServiceKit
import TestProcesses
import TestServers

/// A Kafka broker that comes back on the same port, with its data.
final class Broker: Sendable {
    let address: String
    private let host: String
    private let port: UInt16
    private let folder: String
    private let current: Locked<RealKafka>

    private init(host: String, port: UInt16, folder: String, kafka: RealKafka) {
        self.host = host
        self.port = port
        self.folder = folder
        self.address = kafka.bootstrapServers
        self.current = Locked(kafka)
    }

    static func start(folder: String, host: String) async throws -> Broker {
        let port = try LoopbackPorts.take()
        let kafka = try await RealKafka.start(folder: folder, host: host, port: port)
        return Broker(host: host, port: port, folder: folder, kafka: kafka)
    }

    /// SIGKILL; returns when it is gone.
    func kill() async throws { try await self.current.withLock { $0 }.end(SIGKILL) }

    func remove() async throws {
        try await self.kill()
        try FileManager.default.removeItem(atPath: self.folder)
    }

    /// After ``kill()``; returns when it has said that it runs.
    func restart() async throws {
        let kafka = try await RealKafka.start(folder: self.folder, host: self.host, port: self.port)
        self.current.withLock { $0 = kafka }
    }
}
